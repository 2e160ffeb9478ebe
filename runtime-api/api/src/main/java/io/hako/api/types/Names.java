// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The checks that values of this API make at birth. Each returns what it was given, or fails with
 * INVALID_REQUEST.
 */
public final class Names {
    /** What sockaddr_un.sun_path holds on Linux besides its closing zero (unix(7)). */
    public static final int LONGEST_SOCKET_PATH = 107;

    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");

    private Names() {}

    /** A name of letters, digits, '_', '.' and '-' that begins with a letter or digit. */
    public static String name(String what, String value, int longest) {
        if (value.length() > longest) {
            throw DriverException.invalid(
                    "%s has at most %d characters, but \"%s\" has %d."
                            .formatted(what, longest, value, value.length()));
        }
        if (!NAME.matcher(value).matches()) {
            throw DriverException.invalid(
                    "%s has letters, digits, '_', '.' and '-' only and begins with a letter or digit, but is \"%s\"."
                            .formatted(what, value));
        }
        return value;
    }

    /**
     * A text of at least one character and at most {@code longest} bytes of UTF-8, without control
     * characters.
     */
    public static String text(String what, String value, int longest) {
        int length = value.getBytes(StandardCharsets.UTF_8).length;
        if (length == 0 || length > longest) {
            throw DriverException.invalid(
                    "%s has 1 to %d bytes, but \"%s\" has %d."
                            .formatted(what, longest, value, length));
        }
        if (value.chars().anyMatch(Character::isISOControl)) {
            throw DriverException.invalid(
                    "%s has no control characters, but \"%s\" has.".formatted(what, value));
        }
        return value;
    }

    /** A path that begins at the root and has no "." or ".." in it. */
    public static Path absolute(String what, Path value) {
        if (!value.isAbsolute() || !value.normalize().equals(value)) {
            throw DriverException.invalid(
                    "%s is an absolute path without \".\" and \"..\", but is \"%s\"."
                            .formatted(what, value));
        }
        return value;
    }

    /** An absolute path at which a unix socket can be bound. */
    public static Path socket(String what, Path value) {
        absolute(what, value);
        int length = value.toString().getBytes(StandardCharsets.UTF_8).length;
        if (length > LONGEST_SOCKET_PATH) {
            throw DriverException.invalid(
                    "%s has at most %d bytes, but \"%s\" has %d: use a shorter run directory."
                            .formatted(what, LONGEST_SOCKET_PATH, value, length));
        }
        return value;
    }

    /** A list whose elements differ from one another; returned as an immutable copy. */
    public static <T> List<T> distinct(String what, List<T> values) {
        List<T> copy = List.copyOf(values);
        if (Set.copyOf(copy).size() != copy.size()) {
            throw DriverException.invalid(
                    "%s differ from one another, but are %s.".formatted(what, copy));
        }
        return copy;
    }

    /** A whole number within limits, both included. */
    public static int within(String what, int value, int least, int most) {
        if (value < least || value > most) {
            throw DriverException.invalid(
                    "%s is %d to %d, but is %d.".formatted(what, least, most, value));
        }
        return value;
    }

    /** A power of two within limits, both included. */
    public static int powerOfTwo(String what, int value, int least, int most) {
        if (Integer.bitCount(within(what, value, least, most)) != 1) {
            throw DriverException.invalid(
                    "%s is a power of two, but is %d.".formatted(what, value));
        }
        return value;
    }
}
