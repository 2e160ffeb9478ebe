// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import io.hako.itests.machine.Await;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Residue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A cgroup of the test's own, in every hierarchy that takes one, with daemons in it as a service
 * manager puts them there. What they start begins its life in it, too.
 */
record ServiceCgroup(List<Path> places) implements AutoCloseable {
    private static final Path ROOT = Path.of("/sys/fs/cgroup");

    static ServiceCgroup of(long... daemons) {
        String name = "hako-it-service-" + ProcessHandle.current().pid();
        try (Stream<Path> hierarchies = Files.list(ROOT)) {
            List<Path> places =
                    Stream.concat(Stream.of(ROOT), hierarchies.filter(Files::isDirectory))
                            // Version 1, each controller by itself; or version 2. A cpuset takes
                            // nobody before it has processors.
                            .filter(place -> Files.exists(place.resolve("cgroup.procs")))
                            .filter(place -> !Files.exists(place.resolve("cpuset.mems")))
                            .map(place -> place.resolve(name))
                            .toList();
            for (Path place : places) {
                Files.createDirectory(place);
                for (long daemon : daemons) {
                    Files.writeString(place.resolve("cgroup.procs"), Long.toString(daemon));
                }
            }
            return new ServiceCgroup(places);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Signal 9 to each process in any of them. */
    void kill() {
        Await.until(
                "the service to be ended",
                Node.LIMIT,
                () -> {
                    List<Long> members = members();
                    members.forEach(
                            pid -> ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly));
                    return members.isEmpty();
                },
                () -> members().toString());
    }

    private List<Long> members() {
        return places.stream()
                .flatMap(place -> Residue.members(place).stream())
                .flatMap(Set::stream)
                .distinct()
                .toList();
    }

    @Override
    public void close() {
        kill();
        for (Path place : places) {
            try {
                Files.delete(place);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
