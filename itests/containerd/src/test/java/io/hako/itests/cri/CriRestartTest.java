// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import static org.junit.Assert.assertEquals;

import io.hako.itests.cri.api.Container;
import io.hako.itests.cri.api.ContainerState;
import io.hako.itests.cri.api.PodSandboxState;
import io.hako.itests.machine.Node;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/** A pod outlives containerd and hakod, and both know it again. */
public class CriRestartTest {
    private static final Node NODE = new Node();
    private static final NodeNetwork NETWORK = new NodeNetwork(NODE);
    private static final CriServer SERVER = new CriServer(NODE, NETWORK);

    @ClassRule
    public static final RuleChain RULES = RuleChain.outerRule(NODE).around(NETWORK).around(SERVER);

    @Test
    public void aPodIsListedAndServesAfterBothWereKilled() {
        CriPod pod = CriPod.run(SERVER, "restart");
        CriContainer one =
                pod.start(
                        CriPod.container(
                                "one",
                                "sh",
                                "-c",
                                "trap 'echo bye; exit 9' TERM; while :; do sleep 0.1; done"));
        String machine = one.sh("cat /proc/sys/kernel/random/boot_id");
        NODE.killDaemon();
        SERVER.kill();
        SERVER.start();
        NODE.startDaemon();

        assertEquals(PodSandboxState.SANDBOX_READY, pod.state());
        assertEquals(ContainerState.CONTAINER_RUNNING, one.status().getState());
        assertEquals(
                one.id().getContainerId(),
                SERVER.client().listContainers().getContainersList().stream()
                        .map(Container::getId)
                        .findFirst()
                        .orElse(""));
        assertEquals(machine, one.sh("cat /proc/sys/kernel/random/boot_id"));
        one.stop(30);
        assertEquals(9, one.status().getExitCode());
        assertEquals("bye\n", one.log("stdout"));
        pod.close();
        SERVER.nothingLeft();
    }
}
