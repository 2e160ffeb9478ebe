// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;

import io.hako.itests.cri.api.ContainerState;
import io.hako.itests.cri.api.ContainerStatus;
import io.hako.itests.cri.api.PodSandboxState;
import io.hako.itests.machine.Node;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/** A pod's life as kubelet has it, by the CRI plugin of a containerd and a CNI bridge. */
public class CriPodTest {
    private static final Node NODE = new Node();
    private static final NodeNetwork NETWORK = new NodeNetwork(NODE);
    private static final CriServer SERVER = new CriServer(NODE, NETWORK);

    @ClassRule
    public static final RuleChain RULES = RuleChain.outerRule(NODE).around(NETWORK).around(SERVER);

    @Test
    public void aPodOfTwoContainersLivesItsLifeAndLeavesNothing() throws Exception {
        CriPod pod = CriPod.run(SERVER, "life");
        CriContainer web =
                pod.start(
                        CriPod.container(
                                "web",
                                "sh",
                                "-c",
                                "mkdir /www; echo served > /www/index.html; exec httpd -f -h /www"));
        CriContainer talk =
                pod.start(
                        CriPod.container(
                                "talk",
                                "sh",
                                "-c",
                                "trap 'echo bye; exit 7' TERM; echo out; echo err >&2; while :; do sleep 0.1; done"));

        String host = Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();
        assertNotEquals(host, talk.sh("uname -r"));
        assertEquals(
                web.sh("cat /proc/sys/kernel/random/boot_id"),
                talk.sh("cat /proc/sys/kernel/random/boot_id"));
        // One network: the other's server answers on the loopback, and the node's on the pod's
        // address.
        assertEquals("served", talk.sh("wget -qO- http://127.0.0.1/"));
        assertEquals(
                "served\n",
                NETWORK.run("busybox", "wget", "-qO-", "http://" + pod.address() + "/"));

        talk.stop(30);
        ContainerStatus ended = talk.status();
        assertEquals(ContainerState.CONTAINER_EXITED, ended.getState());
        assertEquals("7 Error", ended.getExitCode() + " " + ended.getReason());
        assertEquals("out\nbye\n", talk.log("stdout"));
        assertEquals("err\n", talk.log("stderr"));
        talk.remove();

        pod.stop();
        assertEquals(PodSandboxState.SANDBOX_NOTREADY, pod.state());
        pod.close();
        SERVER.nothingLeft();
    }
}
