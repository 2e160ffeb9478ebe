// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/**
 * A proxy on a port of its own that leads every connection to one address, whatever host is asked
 * for: CONNECT of RFC 9110, section 9.3.6. Each connection has two threads, which end with it.
 */
final class Tunnel implements AutoCloseable {
    private final InetSocketAddress target;
    private final ServerSocket listener;

    Tunnel(InetSocketAddress target) throws IOException {
        this.target = target;
        listener = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().name("tunnel").start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                Thread.ofVirtual().name("tunnel").start(() -> serve(client));
            } catch (IOException e) {
                // Closed, which is how it ends.
                return;
            }
        }
    }

    private void serve(Socket client) {
        try (client;
                Socket server = new Socket(target.getAddress(), target.getPort())) {
            skipHead(client.getInputStream());
            client.getOutputStream()
                    .write("HTTP/1.1 200 OK\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
            Thread back = Thread.ofVirtual().name("tunnel").start(() -> move(server, client));
            move(client, server);
            back.join();
        } catch (IOException e) {
            // Either end went away; the client sees that of its own connection.
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Reads to the empty line, with which a request without a body ends. */
    private static void skipHead(InputStream from) throws IOException {
        int ends = 0;
        while (ends < 2) {
            switch (from.read()) {
                case -1 -> throw new IOException("The request has no end");
                case '\n' -> ends++;
                case '\r' -> {}
                default -> ends = 0;
            }
        }
    }

    private static void move(Socket from, Socket to) {
        try {
            OutputStream out = to.getOutputStream();
            from.getInputStream().transferTo(out);
            to.shutdownOutput();
        } catch (IOException e) {
            // Either end went away: so does the other.
            return;
        }
    }

    @Override
    public void close() {
        try {
            listener.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
