// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Names;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A listening unix socket that only its owner can reach: mode 0600 in a directory of mode 0700, so
 * that there is no moment between bind and chmod in which another user could connect.
 */
public final class UnixListener implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UnixListener.class);
    private static final int PAUSE_AFTER_FAILURE_MS = 100;

    private final Path path;
    private final ServerSocketChannel server;
    private final Consumer<SocketChannel> accepted;
    private final Thread acceptor;

    private UnixListener(Path path, ServerSocketChannel server, Consumer<SocketChannel> accepted) {
        this.path = path;
        this.server = server;
        this.accepted = accepted;
        this.acceptor =
                Thread.ofVirtual().name("listen " + path.getFileName()).unstarted(this::accept);
    }

    /**
     * Binds and begins to accept. A socket file that is there already is taken for a dead daemon's:
     * the caller holds the run directory's lock.
     *
     * @param path at most 107 bytes; its directory is made if it is missing
     * @param accepted told of each connection on the accepting thread, so it must return at once;
     *     closes what it is given
     * @throws DriverException FAILED_PRECONDITION if the directory is open to others, UNAVAILABLE
     *     if it cannot be bound
     */
    public static UnixListener listen(Path path, Consumer<SocketChannel> accepted) {
        Names.socket("The path of a socket", path);
        try {
            prepare(path);
            ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                server.bind(UnixDomainSocketAddress.of(path));
                Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
            } catch (IOException e) {
                server.close();
                throw e;
            }
            UnixListener listener = new UnixListener(path, server, accepted);
            listener.acceptor.start();
            return listener;
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "hakod cannot listen on %s: %s".formatted(path, e.getMessage()),
                    e);
        }
    }

    private static void prepare(Path path) throws IOException {
        Path directory = path.getParent();
        if (!Files.exists(directory)) {
            Files.createDirectory(
                    directory,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        }
        String mode = PosixFilePermissions.toString(Files.getPosixFilePermissions(directory));
        if (!mode.endsWith("------")) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "hakod does not listen in %s, whose mode is %s: take all rights of others away (chmod 0700)."
                            .formatted(directory, mode));
        }
        Files.deleteIfExists(path);
    }

    private void accept() {
        while (server.isOpen()) {
            try {
                accepted.accept(server.accept());
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                // Most likely out of descriptors: connections wait in the backlog until some are
                // free.
                LOG.warn("No connection can be accepted on {}: {}", path, e.getMessage());
                pause();
            }
        }
    }

    private static void pause() {
        try {
            Thread.sleep(PAUSE_AFTER_FAILURE_MS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    public Path path() {
        return path;
    }

    /**
     * Stops listening, removes the socket's file, and waits for the accepting thread. Connections
     * made are not touched.
     */
    @Override
    public void close() {
        try {
            server.close();
            Files.deleteIfExists(path);
        } catch (IOException e) {
            LOG.warn("{} is left behind: {}", path, e.getMessage());
        }
        try {
            acceptor.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
