// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * Drivers change under a running container: it goes on, its next operation is served by the new
 * bundle.
 */
public class SwapTest {
    @ClassRule public static final Node NODE = new Node();

    private static final FelixShell SHELL = new FelixShell(NODE);

    /** How often each driver is swapped in each of the two ways. */
    private static final int TURNS = LongTests.asked() ? 10 : 5;

    private static Running writer;

    @BeforeClass
    public static void aContainerThatWrites() {
        writer =
                NODE.start(
                        "run",
                        "--name",
                        "busy",
                        "-i",
                        "demo",
                        "sh",
                        "-c",
                        "i=0; while ! read -t 0.1 stop; do echo $i; i=$((i+1)); done; echo end $i");
        writer.awaitOutput("the first line", out -> out.startsWith("0\n"), Duration.ofSeconds(60));
    }

    @AfterClass
    public static void noByteIsLost() throws java.io.IOException {
        writer.stdin().write("stop\n".getBytes(java.nio.charset.StandardCharsets.UTF_8));
        writer.stdin().close();
        Result result = writer.finish(Duration.ofSeconds(60));
        StringBuilder expected = new StringBuilder();
        String[] lines = result.text().split("\n");
        for (int i = 0; i < lines.length - 1; i++) {
            expected.append(i).append('\n');
        }
        expected.append("end ").append(lines.length - 1).append('\n');
        assertEquals(expected.toString(), result.text());
        assertEquals(result.toString(), 0, result.exit());
        NODE.succeed("rm", "busy");
    }

    @Test
    public void theHypervisorDriver() {
        swaps("hypervisor/qemu");
    }

    @Test
    public void theStorageDriver() {
        swaps("storage/virtio-fs");
    }

    @Test
    public void theNetworkDriverUnderTraffic() {
        List<String> server = new ArrayList<>(List.of("exec", "busy"));
        server.addAll(List.of(EchoTraffic.SERVER));
        try (Running echo = NODE.start(server.toArray(String[]::new))) {
            EchoTraffic traffic =
                    EchoTraffic.with(
                            NODE.inspect("busy")
                                    .getAsJsonObject("network")
                                    .get("address")
                                    .getAsString());
            traffic.flows();

            swaps("network/tcfilter");

            traffic.flows();
            traffic.finish();
            NODE.succeed("exec", "busy", "killall", "nc");
        }
    }

    private static void swaps(String plugin) {
        for (int turn = 0; turn < TURNS; turn++) {
            byCommand(plugin);
            isServed("by command " + turn);
            byShell(plugin);
            isServed("by shell " + turn);
        }
    }

    private static void byCommand(String plugin) {
        JsonObject swapped =
                JsonParser.parseString(
                                NODE.succeed("plugin", "swap", "--format", "json", plugin).text())
                        .getAsJsonObject();

        assertEquals(swapped.toString() + NODE.logText(), 1, swapped.get("moved").getAsInt());
        assertEquals(0, swapped.get("failed").getAsInt());
        assertEquals(0, swapped.get("pinned").getAsInt());
        assertTrue(swapped.toString(), swapped.get("old_loader_collected").getAsBoolean());
    }

    private static void byShell(String plugin) {
        String swapped = SHELL.answer("hako:swap " + plugin);

        assertTrue(
                swapped + NODE.logText(),
                swapped.startsWith(plugin + " ")
                        && swapped.contains(": moved 1, pinned 0, failed 0, ")
                        && swapped.endsWith(" old class loader collected\n"));
    }

    private static void isServed(String when) {
        assertEquals(when, NODE.succeed("exec", "busy", "echo", when).line());
    }
}
