// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * A guest that was taken over does its worst: neither hakod nor another container notices, and its
 * own can be removed. By calls that only the agent's test build has.
 */
public class HostileGuestTest {
    @ClassRule public static final Node NODE = Node.withCrashingGuest();

    /** More than that much memory of hakod, a guest has not made it take. */
    private static final long MORE = 32L << 20;

    private static Residue quiet;

    @BeforeClass
    public static void aBystander() {
        NODE.succeed("run", "-d", "--name", "bystander", "demo", "sleep", "10000");
        quiet = NODE.residue();
    }

    @AfterClass
    public static void noBystander() {
        NODE.hako("rm", "-f", "bystander");
    }

    @Test
    public void anAgentThatDoesNotAnswer() {
        harmsNobody("Hang");
    }

    @Test
    public void anAgentThatFloodsEvents() {
        harmsNobody("FloodEvents");
    }

    @Test
    public void anAgentThatSaysGarbage() {
        LongTests.only();
        harmsNobody("Babble");
    }

    @Test
    public void anAgentThatAnnouncesAFrameOfFourGibibytes() {
        LongTests.only();
        harmsNobody("Overstate");
    }

    @Test
    public void anAgentThatClosesItsChannel() {
        LongTests.only();
        harmsNobody("CloseChannel");
    }

    private static void harmsNobody(String deed) {
        DaemonProcess before = DaemonProcess.of(NODE.daemonPid());
        String id = NODE.succeed("run", "-d", "--name", "hostile", "demo", "sleep", "10000").line();
        Path socket = NODE.run().resolve("pods").resolve("hako@" + id).resolve("guest.sock");
        Thread call = Thread.startVirtualThread(() -> send(socket, deed));
        for (int i = 0; i < 5; i++) {
            assertEquals("still", NODE.succeed("exec", "bystander", "echo", "still").line());
        }
        DaemonProcess now = DaemonProcess.of(NODE.daemonPid());
        assertTrue(
                "hakod held " + before + " and holds " + now,
                now.resident() <= before.resident() + MORE
                        && now.threads() <= before.threads() + 16
                        && now.descriptors() <= before.descriptors() + 32);

        NODE.succeed("rm", "-f", "hostile");
        NODE.nothingSince(quiet);
        call.interrupt();
    }

    private static void send(Path socket, String deed) {
        try {
            AgentCall.send(socket, deed);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
