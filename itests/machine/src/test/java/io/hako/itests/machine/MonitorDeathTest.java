// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import org.junit.ClassRule;
import org.junit.Test;

/**
 * The virtual machine dies under its container: told as a failure with its cause, never as success.
 */
public class MonitorDeathTest {
    @ClassRule public static final Node NODE = new Node();

    @Test
    public void aKilledMonitorFailsAllThatRunsInItsMachine() {
        try (Running running =
                NODE.start("run", "--name", "doomed", "demo", "sh", "-c", "echo up; sleep 600")) {
            running.awaitOutput("the first line", out -> out.equals("up\n"), Node.LIMIT);
            long monitor = NODE.inspect("doomed").getAsJsonObject("machine").get("pid").getAsLong();
            try (Running exec =
                    NODE.start("exec", "doomed", "sh", "-c", "echo inside; sleep 600")) {
                exec.awaitOutput(
                        "the exec's first line", out -> out.equals("inside\n"), Node.LIMIT);

                ProcessHandle.of(monitor).orElseThrow().destroyForcibly();

                Result ended = running.finish(Node.LIMIT);
                Result executed = exec.finish(Node.LIMIT);
                assertEquals(ended.toString(), 137, ended.exit());
                assertTrue(ended.err(), ended.err().contains("signal 9"));
                assertEquals(executed.toString(), 137, executed.exit());
                ToldEnd.isWithinASecond(NODE);
            }
            String reason = NODE.inspect("doomed").get("reason").getAsString();
            assertTrue(reason, reason.contains("signal 9"));
            NODE.succeed("rm", "doomed");
            NODE.nothingLeft();
        }
    }
}
