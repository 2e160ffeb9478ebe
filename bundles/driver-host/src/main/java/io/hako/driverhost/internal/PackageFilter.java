// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a package requirement's filter, as the framework makes it of an Import-Package clause, back
 * into a range.
 */
final class PackageFilter {
    private static final Pattern NAME = Pattern.compile("\\(osgi\\.wiring\\.package=([^)]*)\\)");
    private static final Pattern LEAST = Pattern.compile("\\(version>=([^)]*)\\)");
    private static final Pattern BELOW = Pattern.compile("\\(!\\(version>=([^)]*)\\)\\)");

    private PackageFilter() {}

    /**
     * Such as {@code io.hako.api.types [2.0.0,3.0.0)}; the filter itself if it is of another form.
     */
    static String described(String filter) {
        Matcher name = NAME.matcher(filter);
        if (!name.find()) {
            return filter;
        }
        String withoutBound = BELOW.matcher(filter).replaceAll("");
        Matcher least = LEAST.matcher(withoutBound);
        Matcher below = BELOW.matcher(filter);
        String from = least.find() ? least.group(1) : "0.0.0";
        return below.find()
                ? "%s [%s,%s)".formatted(name.group(1), from, below.group(1))
                : "%s, version %s or later".formatted(name.group(1), from);
    }
}
