// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Clears what a failed test has left of a node, so that it disturbs no later one: processes,
 * mounts, cgroups.
 */
public final class Sweeper {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private Sweeper() {}

    public static void sweep(Path run, Path state) {
        Set<Long> processes = Residue.processes(run).keySet();
        List<Path> cgroups =
                Residue.cgroups().stream().filter(cgroup -> holds(cgroup, processes)).toList();
        processes.forEach(pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
        Await.until(
                "killed processes to be gone",
                LIMIT,
                () -> Residue.processes(run).isEmpty(),
                () -> Residue.processes(run).toString());
        // The last one mounted is above the others.
        Residue.mounts(run, state).reversed().forEach(Sweeper::unmount);
        cgroups.forEach(Sweeper::removeCgroup);
    }

    /**
     * Removes the parent of what a server's pods or containers were put into, from each hierarchy:
     * a runtime makes it and takes away its own alone.
     */
    public static void removeParent(String name) {
        Path all = Path.of("/sys/fs/cgroup");
        removeCgroup(all.resolve(name));
        try (Stream<Path> hierarchies = Files.list(all)) {
            hierarchies.forEach(hierarchy -> removeCgroup(hierarchy.resolve(name)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean holds(Path cgroup, Set<Long> processes) {
        return Residue.members(cgroup).stream().flatMap(Set::stream).anyMatch(processes::contains);
    }

    private static void unmount(String place) {
        try {
            new ProcessBuilder("umount", "--lazy", place).inheritIO().start().waitFor();
        } catch (IOException e) {
            throw new AssertionError("Cannot unmount " + place, e);
        } catch (InterruptedException e) {
            throw new AssertionError("Interrupted while unmounting " + place, e);
        }
    }

    private static void removeCgroup(Path cgroup) {
        try {
            Files.deleteIfExists(cgroup);
        } catch (IOException e) {
            throw new AssertionError("Cannot remove the cgroup " + cgroup, e);
        }
    }
}
