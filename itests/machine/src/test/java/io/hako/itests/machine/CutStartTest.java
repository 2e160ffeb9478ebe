// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.After;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * kill -9 of hakod between two steps of a start: the next hakod makes it anew, and the user sees a
 * container, late.
 */
public class CutStartTest {
    @ClassRule public static final Node NODE = new Node();

    private static final Duration LIMIT = Duration.ofSeconds(120);
    private static final String VIRTIOFSD = "\"t\":\"done\",\"slot\":\"s0\",\"kind\":\"process\"";
    private static final String MONITOR = "\"t\":\"done\",\"slot\":\"h0\",\"kind\":\"process\"";

    @After
    public void aDaemonForTheNextTest() {
        NODE.ensureDaemon();
    }

    /**
     * One start that is cut off again and again, each time later: with the cgroup, virtiofsd, QEMU
     * and the agent there.
     */
    @Test
    public void aStartThatIsCutOffAgainAndAgainEndsWell() {
        isCutOffAt(List.of(step("cgroup"), VIRTIOFSD, MONITOR, step("agent")));
    }

    @Test
    public void aStartThatIsCutOffOnceAtEachStepEndsWell() {
        LongTests.only();
        List.of(
                        step("cgroup"),
                        step("share"),
                        VIRTIOFSD,
                        step("storage"),
                        step("network"),
                        MONITOR,
                        step("boot"),
                        step("rootfs"),
                        step("agent"),
                        step("identity"),
                        step("container"))
                .forEach(moment -> isCutOffAt(List.of(moment)));
    }

    private static void isCutOffAt(List<String> moments) {
        try (Running running = NODE.start("run", "--rm", "demo", "echo", "at last")) {
            for (String moment : moments) {
                killAt(moment, running);
            }

            Result result = running.finish(LIMIT);
            assertEquals(moments + ": " + result + NODE.logText(), 0, result.exit());
            assertEquals("at last\n", result.text());
        }
        NODE.nothingLeft();
    }

    /**
     * Kills hakod when the journal of the start says that it has come so far since the last hakod,
     * and starts another.
     */
    private static void killAt(String moment, Running running) {
        int before = occurrences(moment);
        Await.until(
                moment,
                LIMIT,
                () -> occurrences(moment) > before,
                () -> running + journals() + NODE.logText());
        NODE.killDaemon();
        NODE.startDaemon();
    }

    private static int occurrences(String moment) {
        return journals().split(Pattern.quote(moment), -1).length - 1;
    }

    /** The journals of all sandboxes as they are; nothing for one that ends meanwhile. */
    private static String journals() {
        Path folder = NODE.run().resolve("journal");
        if (!Files.isDirectory(folder)) {
            return "";
        }
        try (Stream<Path> all = Files.list(folder)) {
            return all.map(CutStartTest::text).collect(Collectors.joining());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return "";
        }
    }

    private static String step(String name) {
        return "\"t\":\"step\",\"name\":\"" + name + "\"";
    }
}
