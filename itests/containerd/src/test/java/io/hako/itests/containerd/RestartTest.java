// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static org.junit.Assert.assertEquals;

import io.hako.itests.machine.Node;
import io.hako.itests.machine.Residue;
import org.junit.After;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/** Containers outlive containerd and hakod, one or both; what cannot live on is told. */
public class RestartTest {
    private static final Node NODE = new Node();
    private static final Containerd CONTAINERD = new Containerd(NODE);

    @ClassRule public static final RuleChain RULES = RuleChain.outerRule(NODE).around(CONTAINERD);

    @After
    public void nothingIsLeft() {
        NODE.nothingLeft();
    }

    @Test
    public void aContainerOutlivesContainerd() {
        CONTAINERD.runDetached("one", "sleep", "1000");
        CONTAINERD.kill();
        CONTAINERD.start();

        assertEquals("RUNNING", CONTAINERD.status("one"));
        assertEquals(
                "still",
                CONTAINERD
                        .succeed("task", "exec", "--exec-id", "e", "one", "echo", "still")
                        .line());
        CONTAINERD.remove("one");
    }

    @Test
    public void aContainerOutlivesBothTogether() {
        CONTAINERD.runDetached("both", "sleep", "1000");
        NODE.killDaemon();
        CONTAINERD.kill();
        CONTAINERD.start();
        // By the answers that hakod has left.
        assertEquals("RUNNING", CONTAINERD.status("both"));

        NODE.startDaemon();
        assertEquals(
                "still",
                CONTAINERD
                        .succeed("task", "exec", "--exec-id", "e", "both", "echo", "still")
                        .line());
        CONTAINERD.remove("both");
    }

    /** As a service manager ends a service: with whatever is in its cgroup. */
    @Test
    public void aContainerOutlivesTheCgroupOfHakodAndContainerd() {
        try (ServiceCgroup service = ServiceCgroup.of(NODE.daemonPid(), CONTAINERD.processId())) {
            CONTAINERD.runDetached("service", "sleep", "1000");
            service.kill();
            CONTAINERD.kill();
            NODE.killDaemon();
            CONTAINERD.start();
            NODE.startDaemon();

            assertEquals(
                    "still",
                    CONTAINERD
                            .succeed("task", "exec", "--exec-id", "e", "service", "echo", "still")
                            .line());
            CONTAINERD.remove("service");
        }
    }

    @Test
    public void aMachineThatDiesWhileNobodyIsThereIsStopped() {
        CONTAINERD.runDetached("dead", "sleep", "1000");
        long monitor = CONTAINERD.pid("dead");
        NODE.killDaemon();
        CONTAINERD.kill();
        ProcessHandle.of(monitor).orElseThrow().destroyForcibly();
        CONTAINERD.start();
        CONTAINERD.awaitStatus("dead", "STOPPED");

        NODE.startDaemon();
        assertEquals("STOPPED", CONTAINERD.status("dead"));
        CONTAINERD.succeed("task", "rm", "dead");
        CONTAINERD.succeed("c", "rm", "dead");
    }

    @Test
    public void aShimThatIsKilledEndsItsContainerAndLeavesNothing() {
        CONTAINERD.runDetached("shim", "sleep", "1000");
        Residue.processes(NODE.run())
                .forEach(
                        (pid, command) -> {
                            if (command.contains("containerd-shim-hako-v2")) {
                                ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
                            }
                        });
        CONTAINERD.awaitStatus("shim", "");
        CONTAINERD.succeed("c", "rm", "shim");
    }
}
