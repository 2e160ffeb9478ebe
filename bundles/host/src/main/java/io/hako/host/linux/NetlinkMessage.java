// SPDX-License-Identifier: Apache-2.0
package io.hako.host.linux;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * A message to the kernel over netlink(7): a header, a fixed structure, then attributes, all in the
 * host's byte order. For one thread.
 */
public final class NetlinkMessage {
    public static final int REQUEST = 0x1;
    public static final int ACK = 0x4;
    public static final int REPLACE = 0x100;
    public static final int EXCLUSIVE = 0x200;
    public static final int DUMP = 0x300;
    public static final int CREATE = 0x400;
    public static final int APPEND = 0x800;

    static final int HEADER_SIZE = 16;
    static final int ATTRIBUTE_HEADER_SIZE = 4;

    private static final int LARGEST = 4096;
    private static final int FLAGS_OFFSET = 6;
    private static final int SEQUENCE_OFFSET = 8;

    private final ByteBuffer bytes = ByteBuffer.allocate(LARGEST).order(ByteOrder.nativeOrder());

    /**
     * @param flags besides {@link #REQUEST}
     */
    public NetlinkMessage(int type, int flags) {
        bytes.putInt(0)
                .putShort((short) type)
                .putShort((short) (REQUEST | flags))
                .putInt(0)
                .putInt(0);
    }

    /** struct ifinfomsg (rtnetlink(7)), of any family. */
    public NetlinkMessage link(int index, int flags, int change) {
        bytes.put((byte) 0)
                .put((byte) 0)
                .putShort((short) 0)
                .putInt(index)
                .putInt(flags)
                .putInt(change);
        return this;
    }

    /** struct tcmsg (linux/rtnetlink.h). */
    public NetlinkMessage trafficControl(int index, int handle, int parent, int info) {
        bytes.putInt(0).putInt(index).putInt(handle).putInt(parent).putInt(info);
        return this;
    }

    /** A part of a fixed structure, as it is. */
    public NetlinkMessage bytes(byte[] fixed) {
        bytes.put(fixed);
        return this;
    }

    /** A number of 32 bits in a fixed structure. */
    public NetlinkMessage number(int fixed) {
        bytes.putInt(fixed);
        return this;
    }

    public NetlinkMessage attribute(int type, byte[] value) {
        int length = ATTRIBUTE_HEADER_SIZE + value.length;
        bytes.putShort((short) length).putShort((short) type).put(value);
        pad();
        return this;
    }

    public NetlinkMessage attribute(int type, int value) {
        return attribute(
                type,
                ByteBuffer.allocate(Integer.BYTES)
                        .order(ByteOrder.nativeOrder())
                        .putInt(value)
                        .array());
    }

    /** A text with the zero that the kernel wants at its end. */
    public NetlinkMessage attribute(int type, String value) {
        return attribute(type, (value + "\0").getBytes(StandardCharsets.UTF_8));
    }

    /** An attribute that holds attributes. */
    public NetlinkMessage nested(int type, Consumer<NetlinkMessage> inner) {
        int start = bytes.position();
        bytes.putShort((short) 0).putShort((short) type);
        inner.accept(this);
        bytes.putShort(start, (short) (bytes.position() - start));
        return this;
    }

    boolean isAcknowledged() {
        return (bytes.getShort(FLAGS_OFFSET) & ACK) != 0;
    }

    byte[] encoded(int sequence) {
        bytes.putInt(0, bytes.position());
        bytes.putInt(SEQUENCE_OFFSET, sequence);
        byte[] encoded = new byte[bytes.position()];
        bytes.get(0, encoded);
        return encoded;
    }

    static int aligned(int length) {
        return (length + ATTRIBUTE_HEADER_SIZE - 1) / ATTRIBUTE_HEADER_SIZE * ATTRIBUTE_HEADER_SIZE;
    }

    private void pad() {
        while (bytes.position() != aligned(bytes.position())) {
            bytes.put((byte) 0);
        }
    }
}
