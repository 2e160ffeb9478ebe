// SPDX-License-Identifier: Apache-2.0
package io.hako.testbed;

import com.sun.jna.LastErrorException;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.PassedFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The descriptors that a sandbox's processes are given, kept by name as a shim does. */
final class Descriptors {
    /** Above any that a process is given, so that handing them over never overwrites one. */
    private static final int LEAST = 1000;

    private final Libc libc;
    private final Map<String, Integer> kept = new TreeMap<>();
    private final List<Integer> farEnds = new ArrayList<>();
    private final List<Path> sockets = new ArrayList<>();

    Descriptors(Libc libc) {
        this.libc = libc;
    }

    /** The descriptor of a file, made if it is not kept. */
    int of(PassedFile file) {
        Integer known = kept.get(file.name());
        if (known != null) {
            return known;
        }
        try {
            int made = high(make(file));
            if (file instanceof PassedFile.ConnectedSocket) {
                farEnds.add(made);
            } else {
                kept.put(file.name(), made);
            }
            return made;
        } catch (LastErrorException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The file %s could not be made: %s.".formatted(file, e.getMessage()));
        }
    }

    /** Closes them all and removes the sockets' paths. */
    void close() throws IOException {
        kept.values().forEach(libc::close);
        kept.clear();
        farEnds.forEach(libc::close);
        farEnds.clear();
        for (Path socket : sockets) {
            Files.deleteIfExists(socket);
        }
        sockets.clear();
    }

    private int make(PassedFile file) {
        return switch (file) {
            case PassedFile.ListeningSocket socket -> listening(socket.path());
            case PassedFile.ConnectedSocket socket -> UnixAddress.connect(libc, socket.path());
            case PassedFile.Memfd memory -> memory(memory);
            case PassedFile.GuestPort _ -> pair();
            case PassedFile.OpenedFile opened ->
                    libc.open(
                            opened.path().toString(),
                            (opened.writable() ? Libc.O_RDWR : 0) | Libc.O_CLOEXEC);
            case PassedFile.TapQueue _ ->
                    throw DriverException.unsupported("This testbed opens no taps.");
        };
    }

    private int listening(Path path) {
        int socket =
                UnixAddress.with(
                        path,
                        (address, length) -> {
                            int fresh = libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM_CLOEXEC, 0);
                            libc.bind(fresh, address, length);
                            return fresh;
                        });
        libc.listen(socket, 8);
        sockets.add(path);
        return socket;
    }

    private int memory(PassedFile.Memfd memory) {
        int file = libc.memfd_create(memory.name(), Libc.MFD_CLOEXEC);
        libc.ftruncate(file, memory.size().bytes());
        return file;
    }

    private int pair() {
        int[] ends = new int[2];
        libc.socketpair(Libc.AF_UNIX, Libc.SOCK_STREAM_CLOEXEC, 0, ends);
        farEnds.add(ends[1]);
        return ends[0];
    }

    private int high(int low) {
        int high = libc.fcntl(low, Libc.F_DUPFD_CLOEXEC, LEAST);
        libc.close(low);
        return high;
    }
}
