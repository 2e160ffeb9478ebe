// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * The guest's kernel panics: a failure with its cause. A call that only the agent's test build has
 * makes it panic.
 */
public class GuestPanicTest {
    @ClassRule public static final Node NODE = Node.withCrashingGuest();

    @Test
    public void aPanicIsAFailureWithItsCause() throws IOException {
        try (Running running =
                NODE.start("run", "--name", "panics", "demo", "sh", "-c", "echo up; sleep 600")) {
            running.awaitOutput("the first line", out -> out.equals("up\n"), Node.LIMIT);
            Path pod =
                    NODE.run()
                            .resolve("pods")
                            .resolve("hako@" + NODE.inspect("panics").get("id").getAsString());

            AgentCall.send(pod.resolve("guest.sock"), "CrashGuest");

            Result ended = running.finish(Node.LIMIT);
            assertEquals(ended.toString(), 137, ended.exit());
            ToldEnd.isWithinASecond(NODE);
            assertTrue(
                    ended.err(), ended.err().startsWith("hako: ") && ended.err().contains("panic"));
            String reason = NODE.inspect("panics").get("reason").getAsString();
            assertTrue(reason, reason.contains("panic"));
            String told =
                    NODE.succeed(
                                    "events",
                                    "--since",
                                    "0",
                                    "--until",
                                    "0s",
                                    "-f",
                                    "event=guest-panicked")
                            .text();
            assertTrue(told, told.contains(reason));
        }
        NODE.succeed("rm", "panics");
        NODE.nothingLeft();
    }
}
