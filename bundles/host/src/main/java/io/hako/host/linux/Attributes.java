// SPDX-License-Identifier: Apache-2.0
package io.hako.host.linux;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The attributes of a netlink message by their type (netlink(7), struct nlattr). */
public final class Attributes {
    private static final int TYPE_MASK = 0x3FFF;

    private final Map<Integer, ByteBuffer> values = new HashMap<>();

    /**
     * @param from what is left of it is attributes
     */
    public static Attributes of(ByteBuffer from) {
        Attributes attributes = new Attributes();
        while (from.remaining() >= NetlinkMessage.ATTRIBUTE_HEADER_SIZE) {
            int start = from.position();
            int length = Short.toUnsignedInt(from.getShort());
            int type = from.getShort() & TYPE_MASK;
            int size = length - NetlinkMessage.ATTRIBUTE_HEADER_SIZE;
            attributes.values.put(
                    type,
                    from.slice(start + NetlinkMessage.ATTRIBUTE_HEADER_SIZE, size)
                            .order(ByteOrder.nativeOrder()));
            from.position(Math.min(from.limit(), start + NetlinkMessage.aligned(length)));
        }
        return attributes;
    }

    public Optional<byte[]> bytes(int type) {
        return Optional.ofNullable(values.get(type)).map(Attributes::copy);
    }

    /** A number; 0 if there is none. */
    public int number(int type) {
        return Optional.ofNullable(values.get(type)).map(value -> value.getInt(0)).orElse(0);
    }

    /** A text that ends with a zero; empty if there is none. */
    public String text(int type) {
        return bytes(type)
                .map(
                        bytes ->
                                new String(
                                        bytes,
                                        0,
                                        Math.max(0, bytes.length - 1),
                                        StandardCharsets.UTF_8))
                .orElse("");
    }

    public Optional<Attributes> nested(int type) {
        return Optional.ofNullable(values.get(type))
                .map(value -> of(value.duplicate().order(ByteOrder.nativeOrder())));
    }

    public Optional<InetAddress> address(int type) {
        return bytes(type).map(Attributes::address);
    }

    private static InetAddress address(byte[] bytes) {
        try {
            return InetAddress.getByAddress(bytes);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(
                    "The kernel gave an address of %d bytes.".formatted(bytes.length), e);
        }
    }

    private static byte[] copy(ByteBuffer value) {
        byte[] bytes = new byte[value.remaining()];
        value.get(value.position(), bytes);
        return bytes;
    }
}
