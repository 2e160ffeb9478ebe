// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import static org.junit.Assert.assertEquals;

import io.hako.itests.cri.api.ExecRequest;
import io.hako.itests.machine.Node;
import java.util.List;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/**
 * What {@code kubectl exec} does, with and without {@code -t}, through containerd's streaming
 * server.
 */
public class CriStreamTest {
    private static final Node NODE = new Node();
    private static final NodeNetwork NETWORK = new NodeNetwork(NODE);
    private static final CriServer SERVER = new CriServer(NODE, NETWORK);

    @ClassRule
    public static final RuleChain RULES = RuleChain.outerRule(NODE).around(NETWORK).around(SERVER);

    private static CriPod pod;
    private static CriContainer container;

    @BeforeClass
    public static void runPod() {
        pod = CriPod.run(SERVER, "streams");
        container = pod.start(CriPod.container("streams", "sleep", "inf"));
    }

    @AfterClass
    public static void removePod() {
        pod.close();
        SERVER.nothingLeft();
    }

    @Test
    public void aTerminalHasInputOutputSizeAndExitCode() throws Exception {
        ExecRequest shell = request("sh").setTty(true).setStdout(true).build();
        try (CriStream exec = new CriStream(SERVER, shell)) {
            exec.resize(123, 45);
            // The shell's echo of what is typed has no result of it.
            exec.write(
                    "until [ \"$(stty size)\" = '45 123' ]; do :; done; echo sized $((40 + 2))\n");
            exec.awaitOutput("sized 42");
            exec.resize(80, 24);
            exec.write(
                    "until [ \"$(stty size)\" = '24 80' ]; do :; done; echo again $((40 + 3))\n");
            exec.awaitOutput("again 43");
            exec.write("exit 7\n");
            assertEquals(7, exec.exit());
        }
    }

    @Test
    public void ctrlCReachesWhatRunsInTheTerminal() throws Exception {
        ExecRequest command =
                request("sh", "-c", "trap 'exit 5' INT; echo ready; while :; do sleep 0.1; done")
                        .setTty(true)
                        .setStdout(true)
                        .build();
        try (CriStream exec = new CriStream(SERVER, command)) {
            exec.awaitOutput("ready");
            exec.write("\u0003");
            assertEquals(5, exec.exit());
        }
    }

    @Test
    public void withoutATerminalOutputAndErrorOutputStayApart() throws Exception {
        ExecRequest command =
                request("sh", "-c", "read line; echo \"out $line\"; echo \"err $line\" >&2; exit 3")
                        .setStdout(true)
                        .setStderr(true)
                        .build();
        try (CriStream exec = new CriStream(SERVER, command)) {
            exec.write("word\n");
            assertEquals(3, exec.exit());
            assertEquals("out word\n", exec.stdout());
            assertEquals("err word\n", exec.stderr());
        }
    }

    private static ExecRequest.Builder request(String... command) {
        return ExecRequest.newBuilder()
                .setContainerId(container.id().getContainerId())
                .addAllCmd(List.of(command))
                .setStdin(true);
    }
}
