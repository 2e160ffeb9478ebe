// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Names;
import io.hako.host.linux.Cgroups;
import io.hako.host.linux.Descriptors;
import io.hako.host.linux.MountTable;
import io.hako.host.linux.NativeThreads;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Takes away what a sandbox left on the host when its shim died. */
record PodSweeper(Supplier<Descriptors> descriptors, NativeThreads threads) {
    void sweep(Path podDirectory, Optional<String> cgroup, Call call) {
        Names.absolute("The path of a pod's directory", podDirectory);
        try {
            // First the processes: a file server among them holds mounts and files open.
            if (cgroup.isPresent()) {
                new Cgroups(cgroup.get(), MountTable.read()).remove(call);
            }
            unmount(podDirectory);
            delete(podDirectory);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "What the pod at %s left behind cannot be removed: %s"
                            .formatted(podDirectory, e.getMessage()),
                    e);
        }
    }

    private void unmount(Path podDirectory) throws IOException {
        List<Path> mounts = MountTable.read().below(podDirectory);
        if (!mounts.isEmpty()) {
            threads.run(
                    "unmount what is below " + podDirectory,
                    () -> {
                        mounts.forEach(target -> descriptors.get().detach(target));
                        return true;
                    });
        }
        List<Path> left = MountTable.read().below(podDirectory);
        if (!left.isEmpty()) {
            // Deleting now would delete what is mounted there.
            throw new IOException("%s is still mounted".formatted(left.getFirst()));
        }
    }

    private static void delete(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return;
        }
        Files.walkFileTree(
                directory,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                            throws IOException {
                        Files.deleteIfExists(file);
                        return FileVisitResult.CONTINUE;
                    }

                    /** The shim's own delete may be at work at the same time. */
                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException failure)
                            throws IOException {
                        if (failure instanceof NoSuchFileException) {
                            return FileVisitResult.CONTINUE;
                        }
                        throw failure;
                    }

                    @Override
                    public FileVisitResult postVisitDirectory(
                            Path emptied, @Nullable IOException failure) throws IOException {
                        if (failure != null) {
                            throw failure;
                        }
                        Files.deleteIfExists(emptied);
                        return FileVisitResult.CONTINUE;
                    }
                });
    }
}
