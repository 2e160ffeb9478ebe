// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import com.sun.jna.LastErrorException;
import com.sun.jna.Library;
import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Pointer;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** The receiving end of SCM_RIGHTS (unix(7)), which Java's channels do not have. */
final class DescriptorReceiver implements AutoCloseable {
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int ADDRESS_SIZE = 110;
    private static final int CONTROL_SIZE = 24;

    interface Sockets extends Library {
        int socket(int domain, int type, int protocol) throws LastErrorException;

        int bind(int fd, Pointer address, int length) throws LastErrorException;

        int listen(int fd, int backlog) throws LastErrorException;

        int accept(int fd, Pointer address, Pointer length) throws LastErrorException;

        NativeLong recvmsg(int fd, Pointer message, int flags) throws LastErrorException;

        int close(int fd) throws LastErrorException;
    }

    /**
     * @param target what the received descriptor is open on
     */
    record Received(char first, Path target) {}

    private final Sockets sockets;
    private final int listener;

    private DescriptorReceiver(Sockets sockets, int listener) {
        this.sockets = sockets;
        this.listener = listener;
    }

    static DescriptorReceiver listen(Path path) {
        Sockets sockets = Native.load("c", Sockets.class);
        int listener = sockets.socket(AF_UNIX, SOCK_STREAM, 0);
        try (Memory address = new Memory(ADDRESS_SIZE)) {
            address.clear();
            address.setShort(0, (short) AF_UNIX);
            address.setString(2, path.toString());
            sockets.bind(listener, address, ADDRESS_SIZE);
        }
        sockets.listen(listener, 1);
        return new DescriptorReceiver(sockets, listener);
    }

    Received receive() throws IOException {
        int connection = sockets.accept(listener, Pointer.NULL, Pointer.NULL);
        try (Memory data = new Memory(1);
                Memory vector = new Memory(16);
                Memory control = new Memory(CONTROL_SIZE);
                Memory message = new Memory(56)) {
            vector.setPointer(0, data);
            vector.setLong(8, 1);
            control.clear();
            message.clear();
            message.setPointer(16, vector);
            message.setLong(24, 1);
            message.setPointer(32, control);
            message.setLong(40, CONTROL_SIZE);
            sockets.recvmsg(connection, message, 0);
            int descriptor = control.getInt(16);
            Path target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor));
            sockets.close(descriptor);
            return new Received((char) data.getByte(0), target);
        } finally {
            sockets.close(connection);
        }
    }

    /** The number of a descriptor of this process that is open on a file. */
    static int descriptorOf(Path file) throws IOException {
        try (DirectoryStream<Path> open = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
            for (Path entry : open) {
                if (Files.isSymbolicLink(entry) && Files.readSymbolicLink(entry).equals(file)) {
                    return Integer.parseInt(entry.getFileName().toString());
                }
            }
        }
        throw new AssertionError("No descriptor is open on " + file);
    }

    @Override
    public void close() {
        sockets.close(listener);
    }
}
