// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Names;
import io.hako.ttrpc.CallScope;
import java.io.EOFException;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Reaches a port of the guest through the unix socket that stands for it: "CONNECT port\n" there,
 * "OK ...\n" back, then bytes (the convention of hybrid vsock, firecracker docs/vsock.md).
 */
final class GuestSocket {
    private static final int LONGEST_LINE = 64;

    private final Path path;
    private final SocketChannel socket;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private Optional<String> line = Optional.empty();
    private Optional<IOException> failure = Optional.empty();

    private GuestSocket(Path path, SocketChannel socket) {
        this.path = path;
        this.socket = socket;
    }

    /** Waits until the guest has taken the connection. */
    static SocketChannel connect(Path path, int port, Call call) {
        Names.socket("The path of a guest's socket", path);
        SocketChannel socket = open(path);
        try {
            new GuestSocket(path, socket).shakeHands(port, call);
            return socket;
        } catch (DriverException e) {
            close(socket);
            throw e;
        }
    }

    private static SocketChannel open(Path path) {
        try {
            return SocketChannel.open(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
            throw Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                    ? new DriverException(
                            FailureKind.UNAVAILABLE,
                            "Nothing serves the guest's socket %s: %s"
                                    .formatted(path, e.getMessage()),
                            e)
                    : new DriverException(
                            FailureKind.NOT_FOUND,
                            "There is no guest's socket %s.".formatted(path),
                            e);
        }
    }

    private void shakeHands(int port, Call call) {
        // A thread of its own blocks in the channel, so that neither limit nor cancellation depends
        // on the guest.
        Thread.ofVirtual().name("guest-handshake").start(() -> exchange(port));
        lock.lock();
        try {
            if (!CallScope.await(
                    call, lock, changed, () -> line.isPresent() || failure.isPresent())) {
                throw new DriverException(
                        FailureKind.DEADLINE_EXCEEDED,
                        "The guest's agent was not up at %s within the time given for it."
                                .formatted(path));
            }
            if (failure.isPresent()) {
                throw unavailable("the connection ended before the guest took it", failure.get());
            }
            check(port, line.orElse(""));
        } finally {
            lock.unlock();
        }
    }

    private void exchange(int port) {
        Optional<String> answer = Optional.empty();
        Optional<IOException> broken = Optional.empty();
        try {
            ByteBuffer request =
                    ByteBuffer.wrap(
                            "CONNECT %d\n".formatted(port).getBytes(StandardCharsets.US_ASCII));
            while (request.hasRemaining()) {
                socket.write(request);
            }
            answer = Optional.of(readLine());
        } catch (IOException e) {
            broken = Optional.of(e);
        }
        lock.lock();
        try {
            line = answer;
            failure = broken;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Byte by byte: what follows the line belongs to whoever speaks over the connection next. */
    private String readLine() throws IOException {
        StringBuilder read = new StringBuilder();
        ByteBuffer one = ByteBuffer.allocate(1);
        while (read.length() < LONGEST_LINE) {
            if (socket.read(one.clear()) < 0) {
                throw new EOFException("closed");
            }
            char next = (char) Byte.toUnsignedInt(one.flip().get());
            if (next == '\n') {
                return read.toString();
            }
            read.append(next);
        }
        return read.toString();
    }

    private void check(int port, String answer) {
        if (!answer.equals("OK") && !answer.startsWith("OK ")) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "Port %d of the guest behind %s was refused: \"%s\"."
                            .formatted(port, path, answer.replaceAll("\\p{Cntrl}", " ")));
        }
    }

    private DriverException unavailable(String what, IOException e) {
        return new DriverException(
                FailureKind.UNAVAILABLE,
                "The guest behind %s is not reached: %s.".formatted(path, what),
                e);
    }

    private static void close(SocketChannel socket) {
        try {
            socket.close();
        } catch (IOException e) {
            // The descriptor is gone all the same (close(2)).
        }
    }
}
