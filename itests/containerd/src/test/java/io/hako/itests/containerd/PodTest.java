// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;

import io.hako.itests.machine.Node;
import java.util.List;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/**
 * Several containers in one virtual machine, by the annotations that containerd's CRI plugin
 * writes.
 */
public class PodTest {
    private static final Node NODE = new Node();
    private static final Containerd CONTAINERD = new Containerd(NODE);

    @ClassRule public static final RuleChain RULES = RuleChain.outerRule(NODE).around(CONTAINERD);

    @Test
    public void containersOfAPodShareItsMachineAndOneShim() {
        run("pod", "sandbox");
        run("one", "container");
        run("two", "container");
        CONTAINERD.runDetached("alone", "sleep", "1000");
        assertEquals(CONTAINERD.pid("pod"), CONTAINERD.pid("two"));
        assertEquals(machine("one"), machine("two"));
        assertNotEquals(machine("one"), machine("alone"));

        CONTAINERD.remove("one");
        assertEquals("RUNNING", CONTAINERD.status("two"));
        CONTAINERD.remove("two");
        CONTAINERD.remove("pod");
        CONTAINERD.remove("alone");
        NODE.nothingLeft();
    }

    @Test
    public void aPausedSandboxIsAPausedPod() {
        run("pod", "sandbox");
        run("one", "container");
        CONTAINERD.succeed("task", "pause", "pod");
        assertEquals("PAUSED", CONTAINERD.status("pod"));
        assertEquals("PAUSED", CONTAINERD.status("one"));
        CONTAINERD.succeed("task", "resume", "pod");
        assertEquals("RUNNING", CONTAINERD.status("one"));
        assertFalse(machine("one").isEmpty());
        CONTAINERD.remove("one");
        CONTAINERD.remove("pod");
        NODE.nothingLeft();
    }

    @Test
    public void aPodOutlivesContainerdAndHakod() {
        run("pod", "sandbox");
        run("one", "container");
        String machine = machine("one");
        NODE.killDaemon();
        CONTAINERD.kill();
        CONTAINERD.start();
        NODE.startDaemon();

        assertEquals(machine, machine("one"));
        CONTAINERD.remove("one");
        CONTAINERD.remove("pod");
        NODE.nothingLeft();
    }

    private static void run(String id, String type) {
        List<String> annotations =
                List.of(
                        "--annotation",
                        "io.kubernetes.cri.container-type=" + type,
                        "--annotation",
                        "io.kubernetes.cri.sandbox-id=pod");
        CONTAINERD.runDetached(annotations, id, "sleep", "1000");
    }

    /** What tells one start of a kernel from another. */
    private static String machine(String task) {
        return CONTAINERD
                .succeed(
                        "task",
                        "exec",
                        "--exec-id",
                        "id",
                        task,
                        "cat",
                        "/proc/sys/kernel/random/boot_id")
                .line();
    }
}
