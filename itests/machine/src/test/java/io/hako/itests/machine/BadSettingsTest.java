// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * A settings file that is wrong, and parts of the machine that are missing: a sentence, and nothing
 * is left behind.
 */
public class BadSettingsTest {
    @ClassRule public static final Node NODE = new Node();

    /** A daemon that ran with settings that nobody chose would be worse than none. */
    @Test
    public void aDaemonDoesNotStartWithSettingsThatItDoesNotKnow() throws IOException {
        Map<String, String> refusals =
                Map.of(
                        "[guest]\nkernle = \"/x\"\n",
                                "guest.kernle is not known: did you mean \"kernel\"?",
                        "[gest]\n", "[gest] is not known: did you mean \"guest\"?",
                        "[guest]\ncpus = \"many\"\n",
                                "guest.cpus is a whole number from 1 to 4096, but \"many\" was given",
                        "[guest\n", "is no TOML");
        for (Map.Entry<String, String> refusal : refusals.entrySet()) {
            Path file = Files.writeString(NODE.state().resolve("refused.toml"), refusal.getKey());
            Result result =
                    secondDaemon(
                            Map.of(
                                    "HAKO_CONFIG",
                                    file.toString(),
                                    "HAKO_RUN_DIR",
                                    other().toString()));

            assertEquals(result.toString(), 1, result.exit());
            String last =
                    result.err()
                            .strip()
                            .lines()
                            .filter(line -> line.contains(" ERROR hakod - "))
                            .toList()
                            .getLast();
            assertTrue(last, last.contains(file.toString()) && last.contains(refusal.getValue()));
        }
    }

    @Test
    public void aSecondDaemonForOneRunDirectoryDoesNotStart() {
        Result result = secondDaemon(Map.of());

        assertEquals(result.toString(), 1, result.exit());
        assertTrue(result.err(), result.err().contains(NODE.run().toString()));
        assertEquals("the first one serves on", 0, NODE.hako("ps").exit());
    }

    @Test
    public void withoutADaemonACommandSaysHowToStartIt() {
        NODE.stopDaemon();
        try {
            Result result = NODE.hako("run", "--rm", "demo", "true");

            assertEquals(result.toString(), 125, result.exit());
            assertEquals(result.err(), 1, result.err().lines().count());
            assertTrue(
                    result.err(), result.err().contains("hakod") && result.err().contains("tart"));
        } finally {
            NODE.startDaemon();
        }
    }

    @Test
    public void withoutTheGuestsKernel() throws IOException {
        refusedWith("[guest]\nkernel = \"/no/kernel\"\n", "The guest kernel is not at /no/kernel.");
    }

    @Test
    public void withoutTheMonitor() throws IOException {
        refusedWith("[hypervisor.qemu]\nbinary = \"/no/qemu\"\n", "QEMU is not at /no/qemu.");
    }

    @Test
    public void withoutTheFileServer() throws IOException {
        refusedWith("[storage.virtio-fs]\nbinary = \"/no/virtiofsd\"\n", "/no/virtiofsd");
    }

    private static void refusedWith(String settings, String sentence) throws IOException {
        NODE.withSettings(
                settings,
                () -> {
                    Result result = NODE.hako("run", "--rm", "demo", "true");

                    assertEquals(result.toString(), 125, result.exit());
                    assertEquals(result.err(), 1, result.err().strip().lines().count());
                    assertTrue(
                            result.err(),
                            result.err().startsWith("hako: ") && result.err().contains(sentence));
                    assertTrue("what to do: " + result.err(), result.err().contains("or set "));
                    NODE.nothingLeft();
                });
    }

    private static Path other() {
        return NODE.state().resolve("other-run");
    }

    private static Result secondDaemon(Map<String, String> environment) {
        try (Running daemon = NODE.startProgram(List.of(NODE.daemonProgram()), environment)) {
            return daemon.finish(Node.LIMIT);
        }
    }
}
