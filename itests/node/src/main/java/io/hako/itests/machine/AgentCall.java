// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A call to a guest's agent that waits for no answer, as hakod makes it: over the sandbox's
 * guest.sock, by ttrpc.
 */
public final class AgentCall {
    private static final String SERVICE = "hako.agent.v1.Agent";
    private static final String CONNECT = "CONNECT 1024\n";
    private static final String CONNECTED = "OK 1024\n";
    private static final byte REQUEST = 1;

    private AgentCall() {}

    /**
     * Sends a request with an empty message and returns when the connection ends or something is
     * answered.
     */
    public static void send(Path guestSocket, String method) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(guestSocket));
            channel.write(ByteBuffer.wrap(CONNECT.getBytes(StandardCharsets.US_ASCII)));
            ByteBuffer answer = ByteBuffer.allocate(CONNECTED.length());
            while (answer.hasRemaining() && channel.read(answer) >= 0) {}
            if (!new String(answer.array(), StandardCharsets.US_ASCII).equals(CONNECTED)) {
                throw new IOException(
                        "The guest's socket answered "
                                + new String(answer.array(), StandardCharsets.US_ASCII));
            }
            channel.write(frame(method));
            channel.read(ByteBuffer.allocate(1));
        }
    }

    /**
     * ttrpc's PROTOCOL.md, "Message Frame": length and stream, big endian, type and flags; then its
     * Request message.
     */
    private static ByteBuffer frame(String method) throws IOException {
        ByteArrayOutputStream request = new ByteArrayOutputStream();
        field(request, 1, SERVICE);
        field(request, 2, method);
        return ByteBuffer.allocate(10 + request.size())
                .putInt(request.size())
                .putInt(1)
                .put(REQUEST)
                .put((byte) 0)
                .put(request.toByteArray())
                .flip();
    }

    /** A protobuf string shorter than 128 bytes (encoding.md, "Length-Delimited Records"). */
    private static void field(ByteArrayOutputStream message, int number, String text)
            throws IOException {
        message.write(number << 3 | 2);
        message.write(text.length());
        message.write(text.getBytes(StandardCharsets.US_ASCII));
    }
}
