// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Everything on this machine that a container may have left behind: processes, mounts, links,
 * network namespaces, cgroups and files. Each is a line of text, so that two snapshots are compared
 * as sets and a difference names itself.
 */
public record Residue(Set<String> things) {

    public static Residue of(Path run, Path state) {
        Set<String> found = new TreeSet<>();
        processes(run, found);
        mounts(run, state, found);
        links(run, found);
        names("network namespace", Path.of("/run/netns"), found);
        cgroups(run, found);
        for (String folder : new String[] {"pods", "bundles", "journal", "netns"}) {
            names("file", run.resolve(folder), found);
        }
        names("file", state.resolve("containers"), found);
        return new Residue(found);
    }

    /** What is here and was not there. */
    public Set<String> since(Residue before) {
        return things.stream()
                .filter(t -> !before.things.contains(t))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    private static void processes(Path run, Set<String> found) {
        processes(run).forEach((pid, command) -> found.add("process " + pid + " " + command));
    }

    /** The processes of a node's containers, by id, with their command lines. */
    public static Map<Long, String> processes(Path run) {
        Map<Long, String> found = new TreeMap<>();
        try (Stream<Path> all = Files.list(Path.of("/proc"))) {
            all.filter(p -> p.getFileName().toString().chars().allMatch(Character::isDigit))
                    .forEach(
                            p ->
                                    commandLine(p)
                                            .filter(c -> c.contains(run.toString() + "/"))
                                            .filter(c -> !c.contains("io.hako.launcher"))
                                            .ifPresent(
                                                    c ->
                                                            found.put(
                                                                    Long.valueOf(
                                                                            p.getFileName()
                                                                                    .toString()),
                                                                    c)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    private static Optional<String> commandLine(Path process) {
        try {
            String environment = ownsRun(process);
            return Optional.of(
                    Files.readString(process.resolve("cmdline"), StandardCharsets.ISO_8859_1)
                                    .replace('\0', ' ')
                            + environment);
        } catch (IOException e) {
            return Optional.empty(); // it has ended meanwhile
        }
    }

    /** A shim's command line need not name the run directory; its environment does. */
    private static String ownsRun(Path process) throws IOException {
        String name = Files.readString(process.resolve("comm")).strip();
        if (!name.startsWith("containerd-shim")) {
            return "";
        }
        String environment =
                Files.readString(process.resolve("environ"), StandardCharsets.ISO_8859_1);
        for (String entry : environment.split("\0")) {
            if (entry.startsWith("HAKO_RUN_DIR=")) {
                return " [" + entry.substring("HAKO_RUN_DIR=".length()) + "/]";
            }
        }
        return "";
    }

    private static void mounts(Path run, Path state, Set<String> found) {
        mounts(run, state).forEach(place -> found.add("mount " + place));
    }

    /** Where file systems are mounted in a node's directories, in the order of their mounting. */
    public static List<String> mounts(Path run, Path state) {
        try (Stream<String> lines = Files.lines(Path.of("/proc/self/mountinfo"))) {
            return lines.filter(line -> line.contains(run + "/") || line.contains(state + "/"))
                    .map(line -> line.split(" ")[4])
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * But for those of another node, whose journal names them for as long as they are meant to be
     * there.
     */
    private static void links(Path run, Set<String> found) {
        Set<String> all = new TreeSet<>();
        names("link", Path.of("/sys/class/net"), all);
        all.stream()
                .filter(
                        link ->
                                !link.contains("/hako-")
                                        || !journalledElsewhere(
                                                run, link.substring(link.lastIndexOf('/') + 1)))
                .forEach(found::add);
    }

    private static boolean journalledElsewhere(Path run, String name) {
        try (Stream<Path> nodes = Files.list(run.getParent())) {
            return nodes.filter(node -> !node.equals(run))
                    .flatMap(node -> entries(node.resolve("journal")).stream())
                    .anyMatch(journal -> mentions(journal, name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean mentions(Path journal, String name) {
        try {
            return Files.readString(journal).contains(name);
        } catch (IOException e) {
            return false; // it is gone
        }
    }

    private static void names(String kind, Path folder, Set<String> found) {
        entries(folder).forEach(entry -> found.add(kind + " " + entry));
    }

    private static void cgroups(Path run, Set<String> found) {
        cgroups().stream()
                .filter(p -> !ofAnotherNode(run, p))
                .forEach(p -> found.add("cgroup " + p));
    }

    /** The cgroups of all pods of this machine, in each hierarchy. */
    public static List<Path> cgroups() {
        List<Path> parents = new ArrayList<>(directories(Path.of("/sys/fs/cgroup")));
        parents.add(Path.of("/sys/fs/cgroup"));
        return parents.stream()
                .flatMap(parent -> directories(parent.resolve("hako")).stream())
                .toList();
    }

    private static List<Path> directories(Path folder) {
        return entries(folder).stream().filter(Files::isDirectory).toList();
    }

    /** What is in a folder; nothing if there is none. */
    private static List<Path> entries(Path folder) {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(folder)) {
            return all.toList();
        } catch (NoSuchFileException e) {
            return List.of();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Whether processes live in it, and all of them are those of a node with another run directory.
     */
    private static boolean ofAnotherNode(Path run, Path cgroup) {
        Optional<Set<Long>> members = members(cgroup);
        return members.isEmpty()
                || !members.get().isEmpty()
                        && members.get().stream()
                                .flatMap(
                                        pid ->
                                                commandLine(Path.of("/proc", pid.toString()))
                                                        .stream())
                                .noneMatch(command -> command.contains(run + "/"));
    }

    /** The processes in a cgroup; empty if it is gone. */
    public static Optional<Set<Long>> members(Path cgroup) {
        try (Stream<String> lines = Files.lines(cgroup.resolve("cgroup.procs"))) {
            return Optional.of(lines.map(Long::valueOf).collect(Collectors.toSet()));
        } catch (IOException | UncheckedIOException e) {
            return Optional.empty();
        }
    }
}
