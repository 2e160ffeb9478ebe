// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import com.google.protobuf.ByteString;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.nio.ByteBuffer;

/**
 * One ttrpc frame: a header of 10 bytes (u32 payload length, u32 stream, u8 type, u8 flags, all big
 * endian), then the payload (containerd/ttrpc PROTOCOL.md, "Message frame").
 *
 * @param stream who asks and who is answered; a client's are odd
 * @param type {@link #REQUEST}, {@link #RESPONSE}, {@link #DATA}, or one of a carrier's own from
 *     0x80 to 0xFF
 * @param flags as sent; unary calls have none
 * @param payload at most {@link #LARGEST_PAYLOAD} bytes
 */
public record Frame(int stream, int type, int flags, ByteString payload) {
    public static final int REQUEST = 1;
    public static final int RESPONSE = 2;
    public static final int DATA = 3;
    public static final int HEADER_SIZE = 10;

    /** 4 MiB: the limit that containerd's implementation has too. */
    public static final int LARGEST_PAYLOAD = 4 << 20;

    public Frame {
        if (payload.size() > LARGEST_PAYLOAD) {
            throw new DriverException(
                    FailureKind.EXHAUSTED,
                    "A ttrpc message has at most %d bytes, but this one has %d."
                            .formatted(LARGEST_PAYLOAD, payload.size()));
        }
    }

    public static Frame request(int stream, ByteString payload) {
        return new Frame(stream, REQUEST, 0, payload);
    }

    public static Frame response(int stream, ByteString payload) {
        return new Frame(stream, RESPONSE, 0, payload);
    }

    /** Bytes that the frame takes on the wire. */
    public int encodedSize() {
        return HEADER_SIZE + payload.size();
    }

    /** Writes header and payload; {@code to} has room for {@link #encodedSize()} bytes. */
    public void encode(ByteBuffer to) {
        to.putInt(payload.size()).putInt(stream).put((byte) type).put((byte) flags);
        payload.copyTo(to);
    }
}
