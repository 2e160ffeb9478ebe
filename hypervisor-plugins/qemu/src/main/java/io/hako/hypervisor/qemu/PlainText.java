// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import java.util.List;
import java.util.regex.Pattern;

/** Text that a guest or QEMU wrote, made fit for a sentence: no control characters, bounded. */
final class PlainText {
    private static final Pattern ESCAPE_SEQUENCE = Pattern.compile("\\x1b\\[[0-9;?]*[A-Za-z]");
    private static final Pattern UNFIT = Pattern.compile("[^\\x20-\\x7e]");

    private PlainText() {}

    /** One line of visible ASCII, at most so many characters, cut at its end. */
    static String line(String text, int longest) {
        String plain =
                UNFIT.matcher(ESCAPE_SEQUENCE.matcher(text).replaceAll("")).replaceAll("?").strip();
        return plain.length() <= longest ? plain : plain.substring(0, longest - 3) + "...";
    }

    /** The lines of a text that have something in them, oldest first. */
    static List<String> lines(String text) {
        return text.lines().filter(line -> !line.isBlank()).toList();
    }
}
