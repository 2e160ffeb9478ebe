// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.host.UnixStream;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.KeptFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;

/**
 * A connection as NIO makes it; what it sends along with bytes goes past NIO ({@link
 * KeptFileSender}).
 */
final class SocketUnixStream implements UnixStream {
    private final Path peer;
    private final SocketChannel socket;
    private final KeptFileSender sender;

    SocketUnixStream(Path peer, SocketChannel socket, KeptFileSender sender) {
        this.peer = peer;
        this.socket = socket;
        this.sender = sender;
    }

    @Override
    public void write(ByteBuffer bytes, List<KeptFile> files) {
        if (!files.isEmpty()) {
            if (!bytes.hasRemaining()) {
                throw DriverException.invalid(
                        "Files go with the first byte of a message, but there is none.");
            }
            sender.send(bytes.get(), files);
        }
        try {
            while (bytes.hasRemaining()) {
                socket.write(bytes);
            }
        } catch (IOException e) {
            throw broken(e);
        }
    }

    @Override
    public void handOver(ByteBuffer bytes, UnixStream other) {
        if (!(other instanceof SocketUnixStream passed)) {
            throw DriverException.invalid(
                    "The connection to pass to %s was not made by this host.".formatted(peer));
        }
        if (!bytes.hasRemaining()) {
            throw DriverException.invalid(
                    "A connection goes with the first byte of a message, but there is none.");
        }
        sender.sendConnection(bytes.get(), passed.sender);
        passed.close();
        write(bytes, List.of());
    }

    @Override
    public int read(ByteBuffer bytes) {
        try {
            return socket.read(bytes);
        } catch (ClosedChannelException e) {
            return -1;
        } catch (IOException e) {
            throw broken(e);
        }
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            // The descriptor is gone all the same (close(2)).
        }
    }

    private DriverException broken(IOException e) {
        return new DriverException(
                FailureKind.UNAVAILABLE,
                "The connection to %s broke: %s".formatted(peer, e.getMessage()),
                e);
    }
}
