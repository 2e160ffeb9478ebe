// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * The way out of a guest into its host is shut: what a guest that breaks virtiofsd or QEMU has
 * become. Looked at from the host, in the processes of a container that runs.
 */
public class HostConfinementTest {
    @ClassRule public static final Node NODE = new Node();

    /**
     * Of the host's root, what a process with a root of its own has, besides the way to what it was
     * given.
     */
    private static final Set<String> SYSTEM =
            Set.of("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "proc");

    /**
     * CAP_CHOWN to CAP_SETUID without CAP_KILL, CAP_MKNOD, CAP_SETFCAP: rights over files, and over
     * the process itself.
     */
    private static final long FILES = 0x880000dfL;

    private static String pod;
    private static long server;
    private static long monitor;

    @BeforeClass
    public static void aContainer() {
        NODE.succeed("run", "-d", "--name", "held", "demo", "sleep", "600");
        monitor = NODE.inspect("held").getAsJsonObject("machine").get("pid").getAsLong();
        pod = only(NODE.run().resolve("pods")).toString();
        server = processWith("source=" + pod + "/share,");
    }

    @Test
    public void theFileServerSeesOfTheHostItsShareAlone() throws IOException {
        assertEquals(only("run", SYSTEM), names(server, "/"));
        assertTrue(Set.of("ld.so.cache").containsAll(names(server, "/etc")));
        assertEquals(Set.of(NODE.run().getFileName().toString()), names(server, "/run"));
        assertEquals(Set.of("share"), names(server, pod));
        assertEquals(Set.of("file-max", "nr_open"), names(server, "/proc/sys/fs"));
        assertFalse("no way to the kernel", within(server, "ls", "/proc/.own").contains("sys"));
    }

    @Test
    public void theFileServerHasNoRightsButOverFiles() {
        Map<String, String> status = status(server);

        for (String set : List.of("CapPrm", "CapEff", "CapBnd", "CapInh", "CapAmb")) {
            long held = Long.parseUnsignedLong(status.get(set), 16);
            assertEquals(set + " " + status.get(set), 0, held & ~FILES);
        }
        assertEquals("1", status.get("NoNewPrivs"));
        for (String kind : List.of("mnt", "pid", "net", "ipc", "uts", "user")) {
            assertFalse(
                    kind,
                    namespace(server, kind).equals(namespace(ProcessHandle.current().pid(), kind)));
        }
    }

    @Test
    public void theFileServerServesFilesOfAnyOwnerAndAContainersRootThatWasMountedLater()
            throws IOException {
        assertEquals(
                "4711 4712 640",
                NODE.succeed(
                                "exec",
                                "held",
                                "sh",
                                "-c",
                                "echo x > /root/file && chown 4711:4712 /root/file && chmod 640 /root/file && stat -c '%u %g %a' /root/file")
                        .line());
        String table = Files.readString(Path.of("/proc/" + server + "/mountinfo"));
        String container =
                NODE.inspect("held")
                        .getAsJsonArray("containers")
                        .get(0)
                        .getAsJsonObject()
                        .get("id")
                        .getAsString();
        assertTrue(table, table.contains("/" + container + "/rootfs "));
    }

    @Test
    public void theMonitorSeesOfTheHostItsProgramsAlone() {
        Set<String> seen = names(monitor, "/");
        assertEquals(only("dev", SYSTEM), seen);
        Set<String> devices = names(monitor, "/dev");
        assertTrue(devices.toString(), Set.of("urandom", "kvm").containsAll(devices));
        assertEquals("0000000000000000", status(monitor).get("CapPrm"));
        assertEquals("0000000000000000", status(monitor).get("CapBnd"));
    }

    /** What is there of the system's names on this host, and one name more. */
    private static Set<String> only(String more, Set<String> system) {
        Set<String> names = new TreeSet<>(Set.of(more));
        system.stream()
                .filter(
                        name ->
                                Files.exists(
                                        Path.of(
                                                "/"
                                                        + (name.equals("etc")
                                                                ? "etc/ld.so.cache"
                                                                : name))))
                .forEach(names::add);
        return names;
    }

    /**
     * The names in a directory as a process sees it from its namespace's root: virtiofsd has
     * changed its own.
     */
    private static Set<String> names(long process, String directory) {
        Set<String> names = new TreeSet<>(within(process, "ls", "-A", directory).lines().toList());
        names.remove("");
        return names;
    }

    private static String within(long process, String... command) {
        List<String> words =
                Stream.concat(
                                Stream.of("nsenter", "--target", Long.toString(process), "--mount"),
                                Stream.of(command))
                        .toList();
        return NODE.program(words.toArray(String[]::new)).text();
    }

    private static Map<String, String> status(long process) {
        try (Stream<String> lines = Files.lines(Path.of("/proc/" + process + "/status"))) {
            return lines.map(line -> line.split(":\\s*", 2))
                    .collect(
                            java.util.stream.Collectors.toMap(
                                    words -> words[0], words -> words[1]));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String namespace(long process, String kind) {
        try {
            return Files.readSymbolicLink(Path.of("/proc/" + process + "/ns/" + kind)).toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static long processWith(String word) {
        List<ProcessHandle> found =
                ProcessHandle.allProcesses()
                        .filter(process -> commandLine(process.pid()).contains(word))
                        .toList();
        assertEquals(found.toString(), 1, found.size());
        return found.getFirst().pid();
    }

    private static String commandLine(long process) {
        try {
            return Files.readString(Path.of("/proc/" + process + "/cmdline")).replace('\0', ' ');
        } catch (IOException e) {
            return ""; // It has ended meanwhile.
        }
    }

    private static Path only(Path directory) {
        try (Stream<Path> entries = Files.list(directory)) {
            List<Path> all = entries.toList();
            assertEquals(all.toString(), 1, all.size());
            return all.getFirst();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
