// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.DriverException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/**
 * The IPv4 addresses that share a prefix (RFC 4632).
 *
 * @param first the lowest one, as a number; its bits below the prefix are zero
 * @param length of the prefix, 0 to 31: a range has at least two addresses
 */
public record Ipv4Range(int first, int length) {
    private static final int LONGEST = 31;

    public Ipv4Range {
        if (length < 0 || length > LONGEST) {
            throw DriverException.invalid(
                    "A range of addresses has a prefix of 0 to %d bits, but %d were given."
                            .formatted(LONGEST, length));
        }
        if ((first & ~mask(length)) != 0) {
            throw DriverException.invalid(
                    "The range %s/%d begins within its prefix: write %s/%d."
                            .formatted(text(first), length, text(first & mask(length)), length));
        }
    }

    /**
     * @param text such as 10.0.0.0/16
     */
    public static Ipv4Range parse(String text) {
        int slash = text.indexOf('/');
        try {
            if (slash > 0
                    && InetAddress.ofLiteral(text.substring(0, slash))
                            instanceof Inet4Address address) {
                return new Ipv4Range(number(address), Integer.parseInt(text.substring(slash + 1)));
            }
        } catch (IllegalArgumentException e) {
            // Said below.
        }
        throw DriverException.invalid(
                "A range of IPv4 addresses is written like 10.0.0.0/16, but is \"%s\"."
                        .formatted(text));
    }

    public long size() {
        return 1L << Integer.SIZE - length;
    }

    /**
     * @param index from 0 to {@link #size} - 1
     */
    public Inet4Address address(long index) {
        return address(first + (int) index);
    }

    private static Inet4Address address(int number) {
        try {
            return (Inet4Address)
                    InetAddress.getByAddress(
                            ByteBuffer.allocate(Integer.BYTES).putInt(number).array());
        } catch (UnknownHostException e) {
            throw new IllegalStateException("Four bytes are an address.", e);
        }
    }

    private static int number(Inet4Address address) {
        return ByteBuffer.wrap(address.getAddress()).getInt();
    }

    private static int mask(int length) {
        return length == 0 ? 0 : -1 << Integer.SIZE - length;
    }

    private static String text(int number) {
        return address(number).getHostAddress();
    }

    @Override
    public String toString() {
        return text(first) + "/" + length;
    }
}
