// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import java.util.Locale;
import java.util.regex.Pattern;

/**
 * An Ethernet address of one station.
 *
 * @param text six lower-case hexadecimal bytes with colons; not a group address (IEEE 802: the
 *     lowest bit of the first byte is 0)
 */
public record MacAddress(String text) {
    private static final Pattern FORM = Pattern.compile("([0-9a-f]{2}:){5}[0-9a-f]{2}");

    public MacAddress {
        text = text.toLowerCase(Locale.ROOT);
        if (!FORM.matcher(text).matches()) {
            throw DriverException.invalid(
                    "A MAC address has six hexadecimal bytes such as 02:00:00:00:00:01, but is \"%s\"."
                            .formatted(text));
        }
        if ((Character.digit(text.charAt(1), 16) & 1) != 0) {
            throw DriverException.invalid(
                    "An interface cannot have the group address %s as its MAC address."
                            .formatted(text));
        }
    }

    @Override
    public String toString() {
        return text;
    }
}
