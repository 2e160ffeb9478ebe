// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import io.hako.ttrpc.Methods;
import io.hako.ttrpc.Peer;
import io.hako.ttrpc.ServerConnection;
import io.hako.ttrpc.SocketFrameChannel;
import io.hako.ttrpc.UnixListener;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The far end of a guest's socket: answers the handshake as told, then serves whatever methods it
 * is given.
 */
final class FakeAgent implements AutoCloseable {
    private final String handshake;
    private final Methods methods;
    private final Queue<SocketChannel> connections = new ConcurrentLinkedQueue<>();
    private final Queue<String> asked = new ConcurrentLinkedQueue<>();
    private final UnixListener listener;

    /**
     * @param handshake what is answered to CONNECT; empty: nothing, ever
     */
    FakeAgent(Path path, String handshake, Methods methods) {
        this.handshake = handshake;
        this.methods = methods;
        this.listener = UnixListener.listen(path, this::accept);
    }

    /** The first line of each connection. */
    List<String> asked() {
        return List.copyOf(asked);
    }

    private void accept(SocketChannel socket) {
        connections.add(socket);
        Thread.ofVirtual().start(() -> serve(socket));
    }

    private void serve(SocketChannel socket) {
        try {
            ByteBuffer line = ByteBuffer.allocate("CONNECT 1024\n".length());
            while (line.hasRemaining() && socket.read(line) >= 0) {}
            asked.add(new String(line.array(), StandardCharsets.US_ASCII));
            socket.write(ByteBuffer.wrap(handshake.getBytes(StandardCharsets.US_ASCII)));
            if (handshake.startsWith("OK")) {
                new ServerConnection(
                                "fake agent",
                                new SocketFrameChannel("fake", socket),
                                new Peer("guest"),
                                List.of(methods))
                        .serve();
            }
        } catch (IOException e) {
            // The test has closed the connection.
        }
    }

    /** Breaks every connection. */
    void disconnect() {
        connections.forEach(FakeAgent::close);
    }

    @Override
    public void close() {
        listener.close();
        disconnect();
    }

    private static void close(SocketChannel socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
