// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An amount of memory or storage.
 *
 * @param bytes 0 to {@link #LARGEST}
 */
public record MemorySize(long bytes) implements Comparable<MemorySize> {
    /** 4 EiB: large enough for any machine, small enough that two can be added. */
    public static final long LARGEST = 1L << 62;

    public static final MemorySize ZERO = new MemorySize(0);

    private static final Pattern TEXT = Pattern.compile("(\\d{1,19})([bkmgt]?)(?:i?b)?");

    public MemorySize {
        if (bytes < 0 || bytes > LARGEST) {
            throw DriverException.invalid(
                    "A memory size must be 0 to %d bytes, but is %d.".formatted(LARGEST, bytes));
        }
    }

    public static MemorySize ofKibibytes(long count) {
        return of(count, 10);
    }

    public static MemorySize ofMebibytes(long count) {
        return of(count, 20);
    }

    public static MemorySize ofGibibytes(long count) {
        return of(count, 30);
    }

    /**
     * Reads a whole number with an optional unit: {@code 4096}, {@code 64k}, {@code 256M}, {@code
     * 2GiB}. Units are powers of 1024 and their case does not matter.
     *
     * @throws DriverException INVALID_REQUEST if the text is anything else
     */
    public static MemorySize parse(String text) {
        Matcher m = TEXT.matcher(text.strip().toLowerCase(Locale.ROOT));
        if (!m.matches()) {
            throw DriverException.invalid(
                    "A memory size is a whole number with an optional unit K, M, G or T, such as 256M, but is \"%s\"."
                            .formatted(text));
        }
        int shift = m.group(2).isEmpty() ? 0 : 10 * "bkmgt".indexOf(m.group(2));
        try {
            return of(Long.parseLong(m.group(1)), shift);
        } catch (NumberFormatException e) {
            throw DriverException.invalid(
                    "A memory size must be 0 to %d bytes, but is \"%s\".".formatted(LARGEST, text));
        }
    }

    public MemorySize plus(MemorySize other) {
        return new MemorySize(bytes + other.bytes);
    }

    /**
     * This size in whole units, rounded up, for wire formats that count in them.
     *
     * @param unit larger than zero
     */
    public long inUnitsOf(MemorySize unit) {
        if (unit.bytes == 0) {
            throw DriverException.invalid("A unit of memory must be larger than 0 bytes.");
        }
        return Math.ceilDiv(bytes, unit.bytes);
    }

    /** The least multiple of {@code unit} that is not below this size. */
    public MemorySize roundedUpTo(MemorySize unit) {
        return new MemorySize(inUnitsOf(unit) * unit.bytes);
    }

    public boolean isMultipleOf(MemorySize unit) {
        return roundedUpTo(unit).equals(this);
    }

    @Override
    public int compareTo(MemorySize other) {
        return Long.compare(bytes, other.bytes);
    }

    /** In the largest unit that divides it: {@code 256 MiB}, {@code 4097 bytes}. */
    @Override
    public String toString() {
        String[] units = {"bytes", "KiB", "MiB", "GiB", "TiB"};
        int unit = bytes == 0 ? 0 : Math.min(4, Long.numberOfTrailingZeros(bytes) / 10);
        return (bytes >> (10 * unit)) + " " + units[unit];
    }

    private static MemorySize of(long count, int shift) {
        if (count > LARGEST >> shift) {
            throw DriverException.invalid(
                    "A memory size must be 0 to %d bytes, but is %d times %d."
                            .formatted(LARGEST, count, 1L << shift));
        }
        return new MemorySize(count << shift);
    }
}
