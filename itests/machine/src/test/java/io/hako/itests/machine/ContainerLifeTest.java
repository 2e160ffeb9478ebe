// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.time.Duration;
import java.util.List;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * Detached containers: ps, exec, logs, kill, wait, stop, rm, inspect, overhead; two at once; and
 * nothing left after.
 */
public class ContainerLifeTest {
    @ClassRule public static final Node NODE = new Node();

    private static final int TEN_MIB = 10 * 1024 * 1024;

    @Test
    public void aDetachedContainerIsListedEnteredStoppedAndRemoved() {
        String id =
                NODE.succeed(
                                "run",
                                "-d",
                                "--name",
                                "life",
                                "demo",
                                "sh",
                                "-c",
                                "echo started; trap 'echo stopping; exit 7' TERM; while :; do sleep 1; done")
                        .line();

        isListed(id);
        anotherOfThatNameIsRefused();
        assertEquals("hello\n", NODE.succeed("exec", "life", "echo", "hello").text());
        Await.until(
                "the first log line",
                Node.LIMIT,
                () -> NODE.hako("logs", "life").text().contains("started"),
                NODE::logText);

        stopIsFollowedByTheLog();

        assertEquals("7", NODE.succeed("wait", "life").line());
        assertEquals("started\nstopping\n", NODE.succeed("logs", id).text());
        assertEquals("stopping\n", NODE.succeed("logs", "-n", "1", id).text());
        assertEquals("", NODE.succeed("ps", "-q").text());
        assertEquals(id, NODE.succeed("ps", "-a", "-q").line());
        assertTrue(NODE.succeed("ps", "-a").text().contains("stopped (7)"));
        assertEquals(7, listed("ps", "-a", "--format", "json").get("exit_status").getAsInt());
        NODE.succeed("rm", "life");
        NODE.nothingLeft();
    }

    private static void isListed(String id) {
        JsonObject row = listed("ps", "--format", "json");
        assertEquals(id, row.get("id").getAsString());
        assertEquals("life", row.get("name").getAsString());
        assertEquals("running", row.get("state").getAsString());
        assertEquals("qemu", row.get("hypervisor").getAsString());
        assertTrue("a process", ProcessHandle.of(row.get("vmm_pid").getAsLong()).isPresent());
        assertTrue(
                NODE.succeed("ps")
                        .text()
                        .lines()
                        .anyMatch(line -> line.startsWith(id) && line.endsWith("life")));
    }

    /** The one container that is listed. */
    private static JsonObject listed(String... ps) {
        JsonArray rows = JsonParser.parseString(NODE.succeed(ps).text()).getAsJsonArray();
        assertEquals(1, rows.size());
        return rows.get(0).getAsJsonObject();
    }

    private static void anotherOfThatNameIsRefused() {
        Result refused = NODE.hako("run", "--name", "life", "demo", "true");

        assertEquals(refused.toString(), 125, refused.exit());
        assertTrue(refused.err(), refused.err().contains("\"life\""));
        assertEquals(1, NODE.succeed("ps", "-a", "-q").text().lines().count());
    }

    /** One who follows the log sees what is written while it ends, and then ends too. */
    private static void stopIsFollowedByTheLog() {
        try (Running follower = NODE.start("logs", "-f", "life")) {
            follower.awaitOutput(
                    "what was written before", out -> out.equals("started\n"), Node.LIMIT);

            NODE.succeed("stop", "life");

            Result followed = follower.finish(Node.LIMIT);
            assertEquals(followed.toString(), 0, followed.exit());
            assertEquals("started\nstopping\n", followed.text());
        }
    }

    @Test
    public void twoContainersRunSideBySide() {
        String first = NODE.succeed("run", "-d", "demo", "sleep", "600").line();
        String second =
                NODE.succeed(
                                "run",
                                "-d",
                                "-i",
                                "--name",
                                "second",
                                "demo",
                                "sh",
                                "-c",
                                "while read line; do echo \"got $line\"; done; exit 5")
                        .line();

        String one = NODE.succeed("exec", first, "cat", "/proc/sys/kernel/random/boot_id").line();
        String two = NODE.succeed("exec", second, "cat", "/proc/sys/kernel/random/boot_id").line();
        assertFalse("each has a kernel of its own", one.equals(two));

        NODE.succeed("rm", "-f", first);
        attachJoins();
        inspectAndOverheadTellWhatItIsAndCosts(second);
        theAgentStaysSmall();
        withoutForceItIsNotRemoved();
        NODE.succeed("kill", "-s", "KILL", second);
        assertEquals("137", NODE.succeed("wait", second).line());
        NODE.succeed("rm", second);
        NODE.nothingLeft();
    }

    private static void attachJoins() {
        try (Running attached = NODE.start("attach", "second")) {
            attached.write("one\n");
            attached.awaitOutput("the answer", out -> out.contains("got one\n"), Node.LIMIT);
        }
        assertTrue(
                "it goes on when one who attached has gone",
                NODE.succeed("ps").text().contains("second"));
    }

    private static void inspectAndOverheadTellWhatItIsAndCosts(String id) {
        JsonObject inspected = NODE.inspect("second");
        JsonObject overhead = overhead();

        assertEquals(id, inspected.get("id").getAsString());
        assertEquals("running", inspected.get("state").getAsString());
        assertEquals(
                List.of("shim", "virtiofsd-0", "vmm"),
                overhead.getAsJsonArray("processes").asList().stream()
                        .map(process -> process.getAsJsonObject().get("role").getAsString())
                        .sorted()
                        .toList());
        assertTrue(overhead.toString(), overhead.getAsJsonArray("start_steps").size() >= 5);
    }

    /** While two more processes idle, and after as much output as would not fit into it. */
    private static void theAgentStaysSmall() {
        try (Running idle = NODE.start("exec", "second", "sh", "-c", "echo idle; sleep 600");
                Running other = NODE.start("exec", "second", "sh", "-c", "echo idle; sleep 600")) {
            for (Running one : List.of(idle, other)) {
                one.awaitOutput("that it runs", out -> out.equals("idle\n"), Node.LIMIT);
            }
            assertEquals(
                    TEN_MIB,
                    NODE.succeed(
                                    "exec",
                                    "second",
                                    "head",
                                    "-c",
                                    Integer.toString(TEN_MIB),
                                    "/dev/zero")
                            .out()
                            .length);

            Await.until(
                    "the agent to have at most 256 KiB of its own",
                    Duration.ofSeconds(5),
                    () -> agentBytes() <= 256 * 1024,
                    () -> agentBytes() + " bytes");
            assertTrue("it has some", agentBytes() > 0);
        }
    }

    private static long agentBytes() {
        return overhead().get("agent_anonymous_bytes").getAsLong();
    }

    private static JsonObject overhead() {
        return JsonParser.parseString(NODE.succeed("overhead", "--format", "json", "second").text())
                .getAsJsonObject();
    }

    private static void withoutForceItIsNotRemoved() {
        Result refused = NODE.hako("rm", "second");

        assertEquals(125, refused.exit());
        assertTrue(refused.err(), refused.err().contains("runs") && refused.err().contains("-f"));
        assertEquals("x", NODE.succeed("exec", "second", "echo", "x").line());
    }
}
