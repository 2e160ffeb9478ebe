// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import java.io.EOFException;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Cuts a byte stream into frames, however the bytes are split on their way. For one thread; blocks
 * in the channel's read.
 *
 * <p>Refuses an oversize frame at its header, before any memory is taken for it: memory held is 16
 * KiB and one frame.
 */
public final class FrameInput {
    // Also bounds the direct buffer that NIO keeps per carrier thread for reads into the heap.
    private static final int PIECE = 16 << 10;

    private final ReadableByteChannel from;
    private final ByteBuffer buffer = ByteBuffer.allocate(PIECE).flip();

    public FrameInput(ReadableByteChannel from) {
        this.from = from;
    }

    /**
     * The next frame, or nothing where the stream ends between two frames.
     *
     * @throws EOFException if the stream ends within a frame
     * @throws ProtocolException with a sentence if the frame is oversize
     * @throws IOException if the channel fails
     */
    public Optional<Frame> frame() throws IOException {
        if (!have(1)) {
            return Optional.empty();
        }
        need(Frame.HEADER_SIZE);
        int length = buffer.getInt();
        int stream = buffer.getInt();
        int type = Byte.toUnsignedInt(buffer.get());
        int flags = Byte.toUnsignedInt(buffer.get());
        if (length < 0 || length > Frame.LARGEST_PAYLOAD) {
            throw new ProtocolException(
                    "A ttrpc frame has at most %d bytes of payload, but one of %d was announced."
                            .formatted(Frame.LARGEST_PAYLOAD, Integer.toUnsignedLong(length)));
        }
        return Optional.of(new Frame(stream, type, flags, payload(length)));
    }

    /**
     * A big-endian u32 that a carrier puts before a frame, or nothing where the stream ends before
     * it.
     */
    public OptionalInt word() throws IOException {
        if (!have(1)) {
            return OptionalInt.empty();
        }
        need(Integer.BYTES);
        return OptionalInt.of(buffer.getInt());
    }

    private ByteString payload(int length) throws IOException {
        byte[] bytes = new byte[length];
        int done = 0;
        while (done < length) {
            need(1);
            int piece = Math.min(buffer.remaining(), length - done);
            buffer.get(bytes, done, piece);
            done += piece;
        }
        return UnsafeByteOperations.unsafeWrap(bytes);
    }

    private void need(int bytes) throws IOException {
        if (!have(bytes)) {
            throw new EOFException("The stream ended within a ttrpc frame.");
        }
    }

    private boolean have(int bytes) throws IOException {
        while (buffer.remaining() < bytes) {
            buffer.compact();
            try {
                if (from.read(buffer) < 0) {
                    return false;
                }
            } finally {
                buffer.flip();
            }
        }
        return true;
    }
}
