// SPDX-License-Identifier: Apache-2.0
package io.hako.host.linux;

import com.sun.jna.LastErrorException;
import com.sun.jna.Memory;
import com.sun.jna.NativeLong;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** Descriptors of this process and of others. Every method is for a platform thread. */
public final class Descriptors {
    /** SCM_MAX_FD (include/net/scm.h). */
    public static final int MOST_SENT = 253;

    private static final Path OWN = Path.of("/proc/self/fd");
    // sockaddr_un: sa_family_t, then the path (unix(7)).
    private static final int ADDRESS_SIZE = 110;
    private static final int PATH_OFFSET = 2;
    // struct msghdr, struct iovec and struct cmsghdr of a 64-bit Linux (socket(2), cmsg(3)).
    private static final int MESSAGE_SIZE = 56;
    private static final int VECTOR_SIZE = 16;
    private static final int CONTROL_HEADER_SIZE = 16;
    private static final int LONG = 8;
    private static final int POLL_SIZE = 8;
    private static final int LONGEST_WAIT_MS = 5_000;

    private final Libc libc;

    public Descriptors(Libc libc) {
        this.libc = libc;
    }

    /**
     * The descriptor of a unix socket of this process that is bound to a path nobody else uses.
     * Java's channels do not tell theirs.
     */
    public OptionalInt boundTo(Path path) throws IOException {
        try (DirectoryStream<Path> open = Files.newDirectoryStream(OWN)) {
            for (Path entry : open) {
                int fd = Integer.parseInt(entry.getFileName().toString());
                if (isBoundTo(fd, path.toString())) {
                    return OptionalInt.of(fd);
                }
            }
        }
        return OptionalInt.empty();
    }

    private boolean isBoundTo(int fd, String wanted) {
        try (Memory address = new Memory(ADDRESS_SIZE + 1);
                Memory length = new Memory(Integer.BYTES)) {
            address.clear();
            length.setInt(0, ADDRESS_SIZE);
            libc.getsockname(fd, address, length);
            return address.getShort(0) == Libc.AF_UNIX
                    && length.getInt(0) > PATH_OFFSET
                    && address.getString(PATH_OFFSET, "UTF-8").equals(wanted);
        } catch (LastErrorException e) {
            // No socket, or closed since it was listed.
            return false;
        }
    }

    /**
     * A handle of a process that stays that process's, whatever becomes of its pid (pidfd_open(2)).
     * To be closed.
     */
    public int openProcess(int pid) {
        return libc.syscall(new NativeLong(Libc.SYS_PIDFD_OPEN), (long) pid, 0L).intValue();
    }

    /** A copy of another process's descriptor (pidfd_getfd(2)), close-on-exec. To be closed. */
    public int copy(int process, int descriptor) {
        return libc.syscall(
                        new NativeLong(Libc.SYS_PIDFD_GETFD), (long) process, (long) descriptor, 0L)
                .intValue();
    }

    /**
     * Takes a mount away, at once from the tree and in full once nothing uses it (umount2(2),
     * MNT_DETACH). Succeeds where nothing is mounted any more: the shim's `delete` may be at work
     * at the same time.
     */
    public void detach(Path target) {
        try {
            libc.umount2(target.toString(), Libc.MNT_DETACH | Libc.UMOUNT_NOFOLLOW);
        } catch (LastErrorException e) {
            if (e.getErrorCode() != Libc.ENOENT && e.getErrorCode() != Libc.EINVAL) {
                throw e;
            }
        }
    }

    public void close(int descriptor) {
        libc.close(descriptor);
    }

    /**
     * Sends one byte and descriptors with it over a connected unix socket (SCM_RIGHTS, unix(7)).
     *
     * @param files 1 to {@link #MOST_SENT}
     */
    public void send(int socket, byte first, List<Integer> files) {
        int controlLength = CONTROL_HEADER_SIZE + files.size() * Integer.BYTES;
        try (Memory data = new Memory(1);
                Memory vector = new Memory(VECTOR_SIZE);
                Memory control = new Memory(aligned(controlLength));
                Memory message = new Memory(MESSAGE_SIZE)) {
            data.setByte(0, first);
            vector.setPointer(0, data);
            vector.setLong(LONG, 1);
            control.clear();
            control.setLong(0, controlLength);
            control.setInt(LONG, Libc.SOL_SOCKET);
            control.setInt(LONG + Integer.BYTES, Libc.SCM_RIGHTS);
            for (int i = 0; i < files.size(); i++) {
                control.setInt(CONTROL_HEADER_SIZE + (long) i * Integer.BYTES, files.get(i));
            }
            message.clear();
            message.setPointer(2 * LONG, vector);
            message.setLong(3 * LONG, 1);
            message.setPointer(4 * LONG, control);
            message.setLong(5 * LONG, aligned(controlLength));
            send(socket, message);
        }
    }

    private void send(int socket, Memory message) {
        while (true) {
            try {
                libc.sendmsg(socket, message, Libc.MSG_NOSIGNAL | Libc.MSG_DONTWAIT);
                return;
            } catch (LastErrorException e) {
                if (e.getErrorCode() != Libc.EAGAIN) {
                    throw e;
                }
                awaitRoom(socket);
            }
        }
    }

    private void awaitRoom(int socket) {
        try (Memory polled = new Memory(POLL_SIZE)) {
            polled.setInt(0, socket);
            polled.setShort(Integer.BYTES, (short) Libc.POLLOUT);
            if (libc.poll(polled, new NativeLong(1), LONGEST_WAIT_MS) == 0) {
                throw new DriverException(
                        FailureKind.UNAVAILABLE,
                        "The other side of a unix socket took nothing for %d ms."
                                .formatted(LONGEST_WAIT_MS));
            }
        }
    }

    private static int aligned(int length) {
        return (length + LONG - 1) / LONG * LONG;
    }

    /** Copies of a process's descriptors, in the order given. */
    public List<Integer> copies(int process, List<Integer> descriptors) {
        List<Integer> copies = new ArrayList<>();
        try {
            descriptors.forEach(descriptor -> copies.add(copy(process, descriptor)));
            return List.copyOf(copies);
        } catch (LastErrorException e) {
            copies.forEach(this::close);
            throw e;
        }
    }
}
