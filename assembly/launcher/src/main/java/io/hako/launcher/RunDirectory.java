// SPDX-License-Identifier: Apache-2.0
package io.hako.launcher;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;

/**
 * The run directory, held by one hakod at a time. The kernel lets go of it when the process ends,
 * in whatever way.
 *
 * <p>The lock is a POSIX record lock: it would be lost if this process opened the lock file a
 * second time and closed it.
 */
final class RunDirectory {
    private final Path directory;

    @SuppressWarnings("unused") // Kept open: closing it gives the lock away.
    private final FileChannel lock;

    private RunDirectory(Path directory, FileChannel lock) {
        this.directory = directory;
        this.lock = lock;
    }

    /** Makes the directory (mode 0700) if it is missing, and takes its lock. */
    static RunDirectory take(Path directory) throws StartFailure {
        try {
            createPrivate(directory);
            return new RunDirectory(directory, lock(directory));
        } catch (IOException failure) {
            throw new StartFailure(
                    "hakod could not take its run directory %s: %s. Run it as root, or give a directory of your own in HAKO_RUN_DIR."
                            .formatted(directory, failure),
                    failure);
        }
    }

    static void createPrivate(Path directory) throws IOException {
        var mode = PosixFilePermissions.fromString("rwx------");
        Files.createDirectories(directory, PosixFilePermissions.asFileAttribute(mode));
        Files.setPosixFilePermissions(directory, mode);
    }

    Path path() {
        return directory;
    }

    /**
     * Counts this start: 1 in a new run directory. A shim drops its link with the hakod of the
     * lower epoch.
     */
    long nextEpoch() throws StartFailure {
        var file = directory.resolve("epoch");
        try {
            var epoch = Files.exists(file) ? Long.parseLong(Files.readString(file).strip()) + 1 : 1;
            var fresh = Files.writeString(directory.resolve("epoch.new"), epoch + "\n");
            Files.move(fresh, file, ATOMIC_MOVE);
            return epoch;
        } catch (IOException | NumberFormatException failure) {
            throw new StartFailure(
                    "hakod could not count its start in %s: %s. If the file is damaged, write into it a number higher than any start so far."
                            .formatted(file, failure),
                    failure);
        }
    }

    private static FileChannel lock(Path directory) throws IOException, StartFailure {
        var channel = FileChannel.open(directory.resolve("hakod.lock"), CREATE, READ, WRITE);
        if (channel.tryLock() == null) {
            var holder = new String(read(channel)).strip();
            channel.close();
            throw new StartFailure(
                    "Another hakod, process %s, serves the run directory %s: stop it, or give this one a directory of its own in HAKO_RUN_DIR."
                            .formatted(holder, directory));
        }
        channel.truncate(0)
                .write(ByteBuffer.wrap((ProcessHandle.current().pid() + "\n").getBytes()));
        return channel;
    }

    private static byte[] read(FileChannel channel) throws IOException {
        var bytes = ByteBuffer.allocate(32);
        channel.read(bytes, 0);
        return Arrays.copyOf(bytes.array(), bytes.position());
    }
}
