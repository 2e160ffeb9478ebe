// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.crio;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.itests.machine.Node;
import io.hako.itests.machine.Residue;
import io.hako.shim.proto.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.After;
import org.junit.Before;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * A pod by the calls and the annotations of CRI-O, which tells no sizes: a sandbox container and
 * another beside it, whose limits come by Update.
 */
public class CrioPodTest {
    @ClassRule public static final Node NODE = new Node();

    private static final int SIGTERM = 15;
    private static final int SIGKILL = 9;
    private static final long MIB = 1 << 20;

    /** As CRI-O's ids: 64 hexadecimal digits. */
    private static final String POD = "a0".repeat(32);

    private static final String CONTAINER = "b1".repeat(32);

    private final String network = "hako-crio-" + ProcessHandle.current().pid();
    private Residue before = new Residue(Set.of());

    /** Like a CNI plugin's: an address on a link of the namespace, whose other end is elsewhere. */
    @Before
    public void makeNetwork() {
        before = NODE.residue();
        NODE.program("ip", "netns", "add", network);
        NODE.program(
                "ip", "-n", network, "link", "add", "eth0", "type", "veth", "peer", "name", "peer");
        NODE.program("ip", "-n", network, "address", "add", "198.18.9.2/24", "dev", "eth0");
        NODE.program("ip", "-n", network, "link", "set", "eth0", "up");
        NODE.program("ip", "-n", network, "link", "set", "peer", "up");
    }

    @After
    public void nothingIsLeft() {
        NODE.program("ip", "netns", "delete", network);
        NODE.nothingSince(before);
    }

    @Test
    public void aPodOfCrioLivesItsLifeAndGrowsByUpdate() throws IOException {
        try (CrioContainer pod =
                        new CrioContainer(NODE, POD, spec("sandbox", root("pod"), "/pause"));
                CrioContainer one =
                        new CrioContainer(
                                NODE,
                                CONTAINER,
                                spec(
                                        "container",
                                        root("one"),
                                        "trap 'echo bye; exit 7' TERM; echo hello; while :; do sleep 0.1; done"))) {
            assertEquals(Status.RUNNING, pod.status());
            assertEquals(Status.RUNNING, one.status());
            assertEquals("0 of-the-pod", one.sh("hostname"));
            assertEquals(
                    "0 198.18.9.2",
                    one.sh("ip -4 -o address show dev eth0 | awk '{print $4}' | cut -d/ -f1"));
            assertEquals("3", one.sh("exit 3").strip());

            // More than a machine has that nobody told a size.
            one.update(memory(320 * MIB));
            assertEquals("0 " + 320 * MIB, one.sh("cat /sys/fs/cgroup/memory.max"));
            assertEquals("0 1", one.sh("awk '/MemTotal/ {print ($2 > 320 * 1024)}' /proc/meminfo"));
            String refused =
                    assertThrows(TaskConnection.Refused.class, () -> one.update(memory(1L << 40)))
                            .getMessage();
            assertTrue(refused, refused.contains("1 TiB of memory"));

            assertEquals(7, one.end(SIGTERM));
            assertEquals("hello\nbye", one.output());
            assertEquals(137, pod.end(SIGKILL));
        }
    }

    private static String memory(long bytes) {
        return "{\"memory\": {\"limit\": %d}}".formatted(bytes);
    }

    /** What CRI-O has mounted for the container before: busybox and nothing else. */
    private static Path root(String name) throws IOException {
        Path root = NODE.state().resolve("crio-roots").resolve(name);
        for (String folder : new String[] {"bin", "dev", "proc", "sys", "etc"}) {
            Files.createDirectories(root.resolve(folder));
        }
        Path busybox = Files.copy(Path.of("/bin/busybox"), root.resolve("bin/busybox"));
        assertTrue(busybox.toFile().setExecutable(true, false));
        for (String applet : new String[] {"sh", "sleep", "cat", "ip", "awk", "cut", "hostname"}) {
            Files.createLink(root.resolve("bin").resolve(applet), busybox);
        }
        return root;
    }

    /** After what CRI-O 1.28 writes; annotations: pkg/annotations/internal.go. */
    private String spec(String type, Path root, String script) {
        return """
        {"ociVersion": "1.0.2-dev", "hostname": "of-the-pod",
         "process": {"args": ["/bin/sh", "-c", "%4$s"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}},
         "root": {"path": "%3$s"},
         "annotations": {
           "io.kubernetes.cri-o.ContainerType": "%1$s", "io.kubernetes.cri-o.SandboxID": "%2$s",
           "io.kubernetes.cri-o.Name": "k8s_%1$s", "io.kubernetes.cri-o.RuntimeHandler": "hako"},
         "mounts": [
           {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
           {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
           {"destination": "/dev/pts", "type": "devpts", "source": "devpts", "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
           {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
           {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]}],
         "linux": {
           "cgroupsPath": "/kubepods/crio-%1$s", "resources": {"cpu": {"shares": 2}},
           "namespaces": [{"type": "pid"}, {"type": "network", "path": "/run/netns/%5$s"},
             {"type": "ipc", "path": "/proc/1/ns/ipc"}, {"type": "uts", "path": "/proc/1/ns/uts"}, {"type": "mount"}]}}
        """
                .formatted(type, POD, root, script, network);
    }
}
