// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;

/**
 * A port of this machine's loopback that leads to one of the loopback of the node's network
 * namespace. Each connection has a process in there and two threads, which end with it.
 */
final class NodePort implements AutoCloseable {
    private final NodeNetwork network;
    private final int target;
    private final ServerSocket listener;

    NodePort(NodeNetwork network, int target) throws IOException {
        this.network = network;
        this.target = target;
        listener = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
        Thread.ofVirtual().name("node-port").start(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    private void accept() {
        while (!listener.isClosed()) {
            try {
                Socket client = listener.accept();
                Thread.ofVirtual().name("node-port").start(() -> serve(client));
            } catch (IOException e) {
                // Closed, which is how it ends.
                return;
            }
        }
    }

    private void serve(Socket client) {
        try (client) {
            Process inside =
                    new ProcessBuilder(
                                    network.inside(
                                            "busybox", "nc", "127.0.0.1", Integer.toString(target)))
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            try {
                InputStream fromClient = client.getInputStream();
                OutputStream toServer = inside.getOutputStream();
                Thread.ofVirtual().name("node-port").start(() -> move(fromClient, toServer));
                move(inside.getInputStream(), client.getOutputStream());
            } finally {
                inside.destroyForcibly();
            }
        } catch (IOException e) {
            // Either end went away; the client sees that of its own connection.
            return;
        }
    }

    /** Byte for byte as they come: transferTo flushes nothing. */
    private static void move(InputStream from, OutputStream to) {
        byte[] buffer = new byte[16384];
        try (to) {
            for (int read = from.read(buffer); read >= 0; read = from.read(buffer)) {
                to.write(buffer, 0, read);
                to.flush();
            }
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
