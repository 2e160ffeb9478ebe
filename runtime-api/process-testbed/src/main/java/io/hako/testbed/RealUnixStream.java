// SPDX-License-Identifier: Apache-2.0
package io.hako.testbed;

import com.sun.jna.LastErrorException;
import com.sun.jna.Memory;
import io.hako.api.host.UnixStream;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.KeptFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** A connection whose descriptor is known, so that it can be passed on. */
final class RealUnixStream implements UnixStream {
    /**
     * struct msghdr, struct iovec, and struct cmsghdr with one descriptor of a 64-bit Linux
     * (socket(2), cmsg(3)).
     */
    private static final int MESSAGE = 56;

    private static final int VECTOR = 16;
    private static final int CONTROL = 24;
    private static final int SOL_SOCKET = 1;
    private static final int SCM_RIGHTS = 1;

    private final Libc libc;
    private final int socket;
    private final ReentrantLock reading = new ReentrantLock();
    private volatile boolean closed;

    private RealUnixStream(Libc libc, int socket) {
        this.libc = libc;
        this.socket = socket;
    }

    static RealUnixStream connect(Libc libc, Path path) {
        if (!Files.exists(path)) {
            throw new DriverException(
                    FailureKind.NOT_FOUND, "There is no socket %s.".formatted(path));
        }
        try {
            return new RealUnixStream(libc, UnixAddress.connect(libc, path));
        } catch (LastErrorException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "Nothing listens at %s: %s.".formatted(path, e.getMessage()));
        }
    }

    @Override
    public void write(ByteBuffer bytes, List<KeptFile> files) {
        if (!files.isEmpty()) {
            throw DriverException.unsupported("This testbed sends no kept files.");
        }
        while (bytes.hasRemaining()) {
            byte[] rest = new byte[bytes.remaining()];
            bytes.duplicate().get(rest);
            try {
                bytes.position(
                        bytes.position()
                                + (int) libc.send(socket, rest, rest.length, Libc.MSG_NOSIGNAL));
            } catch (LastErrorException e) {
                throw broken(e);
            }
        }
    }

    @Override
    public void handOver(ByteBuffer bytes, UnixStream other) {
        try {
            send(bytes.get(), ((RealUnixStream) other).socket);
        } catch (LastErrorException e) {
            throw broken(e);
        }
        other.close();
        write(bytes, List.of());
    }

    private void send(byte first, int descriptor) {
        try (Memory data = new Memory(1);
                Memory vector = new Memory(VECTOR);
                Memory control = new Memory(CONTROL);
                Memory message = new Memory(MESSAGE)) {
            data.setByte(0, first);
            vector.setPointer(0, data);
            vector.setLong(8, 1);
            control.clear();
            control.setLong(0, 20);
            control.setInt(8, SOL_SOCKET);
            control.setInt(12, SCM_RIGHTS);
            control.setInt(16, descriptor);
            message.clear();
            message.setPointer(16, vector);
            message.setLong(24, 1);
            message.setPointer(32, control);
            message.setLong(40, CONTROL);
            libc.sendmsg(socket, message, Libc.MSG_NOSIGNAL);
        }
    }

    @Override
    public int read(ByteBuffer bytes) {
        byte[] room = new byte[bytes.remaining()];
        reading.lock();
        try {
            int read = closed ? 0 : (int) libc.read(socket, room, room.length);
            bytes.put(room, 0, read);
            return read == 0 ? -1 : read;
        } catch (LastErrorException e) {
            throw broken(e);
        } finally {
            reading.unlock();
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        wakeReader();
        reading.lock();
        try {
            libc.close(socket);
        } finally {
            reading.unlock();
        }
    }

    private void wakeReader() {
        // Not where nobody reads: it would end the connection for whoever it was passed on to.
        if (reading.isLocked()) {
            libc.shutdown(socket, Libc.SHUT_RDWR);
        }
    }

    private static DriverException broken(LastErrorException e) {
        return new DriverException(
                FailureKind.UNAVAILABLE, "The connection broke: %s.".formatted(e.getMessage()), e);
    }
}
