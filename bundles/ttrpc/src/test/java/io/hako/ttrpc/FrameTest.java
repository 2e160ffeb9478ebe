// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import com.google.protobuf.ByteString;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.Test;

public class FrameTest {
    @Test
    public void headerIsLengthStreamTypeFlagsInBigEndian() {
        Frame frame = new Frame(0x01020304, Frame.REQUEST, 0x80, ByteString.copyFromUtf8("hako"));

        assertEquals("00000004010203040180" + "68616b6f", HexFormat.of().formatHex(encoded(frame)));
    }

    @Test
    public void framesSplitAnywhereComeOutWhole() throws IOException {
        Frame first = Frame.request(1, bytes(40_000));
        Frame second = Frame.response(3, ByteString.EMPTY);
        byte[] both = concatenated(encoded(first), encoded(second));

        for (int piece : new int[] {1, 3, 9, 10, 11, 16_384, both.length}) {
            FrameInput input = new FrameInput(inPiecesOf(piece, both));
            assertEquals(Optional.of(first), input.frame());
            assertEquals(Optional.of(second), input.frame());
            assertEquals(Optional.empty(), input.frame());
        }
    }

    @Test
    public void wordBeforeFrameIsReadOnItsOwn() throws IOException {
        Frame frame = Frame.request(1, bytes(3));
        FrameInput input =
                new FrameInput(
                        inPiecesOf(1, concatenated(new byte[] {0, 0, 1, 2}, encoded(frame))));

        assertEquals(OptionalInt.of(0x102), input.word());
        assertEquals(Optional.of(frame), input.frame());
        assertEquals(OptionalInt.empty(), input.word());
    }

    @Test
    public void endWithinFrameIsAFailure() {
        byte[] whole = encoded(Frame.request(1, bytes(100)));

        for (int cut : new int[] {1, 9, 10, 109}) {
            FrameInput input = new FrameInput(inPiecesOf(7, Arrays.copyOf(whole, cut)));
            assertThrows(EOFException.class, input::frame);
        }
    }

    @Test
    public void oversizeIsRefusedAtTheHeader() {
        byte[] header = ByteBuffer.allocate(10).putInt(Frame.LARGEST_PAYLOAD + 1).array();

        IOException refusal =
                assertThrows(IOException.class, new FrameInput(inPiecesOf(10, header))::frame);

        assertEquals(
                "A ttrpc frame has at most 4194304 bytes of payload, but one of 4194305 was"
                        + " announced.",
                refusal.getMessage());
    }

    @Test
    public void lengthAboveTwoGibibytesIsRefusedToo() {
        byte[] header = ByteBuffer.allocate(10).putInt(-1).array();

        IOException refusal =
                assertThrows(IOException.class, new FrameInput(inPiecesOf(10, header))::frame);

        assertEquals(
                "A ttrpc frame has at most 4194304 bytes of payload, but one of 4294967295 was"
                        + " announced.",
                refusal.getMessage());
    }

    @Test
    public void oversizeMessageIsNotMadeIntoAFrame() {
        DriverException refusal =
                assertThrows(
                        DriverException.class,
                        () -> Frame.request(1, bytes(Frame.LARGEST_PAYLOAD + 1)));

        assertEquals(FailureKind.EXHAUSTED, refusal.failure());
        assertEquals(
                "A ttrpc message has at most 4194304 bytes, but this one has 4194305.",
                refusal.getMessage());
    }

    private static ByteString bytes(int size) {
        byte[] bytes = new byte[size];
        for (int i = 0; i < size; i++) {
            bytes[i] = (byte) i;
        }
        return ByteString.copyFrom(bytes);
    }

    private static byte[] encoded(Frame frame) {
        ByteBuffer buffer = ByteBuffer.allocate(frame.encodedSize());
        frame.encode(buffer);
        return buffer.array();
    }

    private static byte[] concatenated(byte[] first, byte[] second) {
        return ByteBuffer.allocate(first.length + second.length).put(first).put(second).array();
    }

    private static ReadableByteChannel inPiecesOf(int size, byte[] bytes) {
        ByteBuffer from = ByteBuffer.wrap(bytes);
        return new ReadableByteChannel() {
            @Override
            public int read(ByteBuffer to) {
                if (!from.hasRemaining()) {
                    return -1;
                }
                int piece = Math.min(size, Math.min(from.remaining(), to.remaining()));
                to.put(from.slice(from.position(), piece));
                from.position(from.position() + piece);
                return piece;
            }

            @Override
            public boolean isOpen() {
                return true;
            }

            @Override
            public void close() {}
        };
    }
}
