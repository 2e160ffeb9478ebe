// SPDX-License-Identifier: Apache-2.0
package io.hako.host.linux;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** One cgroup in every hierarchy that is mounted, v1 and v2 (cgroups(7)). */
public final class Cgroups {
    private static final Duration ROUND = Duration.ofMillis(5);

    private final String path;
    private final List<Path> directories;

    /**
     * @param path absolute within each hierarchy, and not its root
     */
    public Cgroups(String path, MountTable mounts) {
        Path relative = Path.of("/").relativize(Path.of(path).normalize());
        if (!path.startsWith("/") || relative.toString().isEmpty()) {
            throw DriverException.invalid(
                    "A cgroup's path is absolute and not the root, but is \"%s\".".formatted(path));
        }
        this.path = path;
        this.directories =
                mounts.ofType("cgroup", "cgroup2").stream()
                        .map(root -> root.resolve(relative.toString()))
                        .filter(Files::isDirectory)
                        .toList();
    }

    /**
     * Kills what is left in it and takes it away, with what is below it.
     *
     * @throws DriverException UNAVAILABLE if processes have not gone within the call's time
     */
    public void remove(Call call) throws IOException {
        for (List<Long> left = processes(); !left.isEmpty(); left = processes()) {
            if (call.remaining().isZero()) {
                throw new DriverException(
                        FailureKind.UNAVAILABLE,
                        "Processes %s in cgroup %s do not end.".formatted(left, path));
            }
            left.forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
            pause();
        }
        for (Path directory : directories) {
            for (Path group : groups(directory)) {
                removeOne(group, call);
            }
        }
    }

    /** A cgroup is busy for a moment after its last process was reaped. */
    private void removeOne(Path group, Call call) throws IOException {
        while (true) {
            try {
                Files.deleteIfExists(group);
                return;
            } catch (IOException e) {
                if (call.remaining().isZero()) {
                    throw e;
                }
                pause();
            }
        }
    }

    private List<Long> processes() throws IOException {
        List<Long> found = new ArrayList<>();
        for (Path directory : directories) {
            for (Path group : groups(directory)) {
                found.addAll(processes(group));
            }
        }
        return found;
    }

    private static List<Long> processes(Path group) throws IOException {
        try {
            return Files.readAllLines(group.resolve("cgroup.procs")).stream()
                    .map(Long::valueOf)
                    .toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            // ENODEV: it was open as another took it away.
            if (!Files.exists(group)) {
                return List.of();
            }
            throw e;
        }
    }

    /**
     * It and those below it, deepest first; none if another, such as the shim's delete, takes it
     * away meanwhile.
     */
    private static List<Path> groups(Path directory) throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.filter(Files::isDirectory).sorted(Comparator.reverseOrder()).toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (UncheckedIOException e) {
            if (e.getCause() instanceof NoSuchFileException) {
                return groups(directory);
            }
            throw e.getCause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(ROUND);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DriverException(
                    FailureKind.CANCELLED, "Removing a cgroup was interrupted.", e);
        }
    }
}
