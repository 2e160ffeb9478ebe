// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.time.Duration;
import org.junit.After;
import org.junit.ClassRule;
import org.junit.Test;

/** kill -9 of hakod: containers run on, their output loses no byte, their exit codes are true. */
public class DaemonRestartTest {
    @ClassRule public static final Node NODE = new Node();

    private static final Duration LIMIT = Duration.ofSeconds(90);

    /** Numbered lines, so that a lost or doubled one shows. */
    private static final String COUNT =
            "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); done";

    @After
    public void aDaemonForTheNextTest() {
        NODE.ensureDaemon();
    }

    @Test
    public void aForegroundContainerNeverNotices() {
        try (Running running =
                NODE.start(
                        "run",
                        "--rm",
                        "-i",
                        "demo",
                        "sh",
                        "-c",
                        COUNT + "; read go; " + COUNT + "; exit 9")) {
            running.awaitOutput("the first half", out -> out.contains("line 399\n"), LIMIT);

            NODE.killDaemon();
            running.write("go\n");
            running.awaitOutput(
                    "the second half, without a daemon",
                    out -> out.length() >= 2 * counted().length(),
                    LIMIT);
            assertTrue("its end waits for the daemon", running.alive());
            NODE.startDaemon();

            Result result = running.finish(LIMIT);
            assertEquals(result.toString() + NODE.logText(), 9, result.exit());
            assertEquals(counted() + counted(), result.text());
        }
    }

    @Test
    public void whatRunsIsAdoptedAndWhatEndedMeanwhileIsTold() {
        NODE.succeed("run", "-d", "--name", "stays", "demo", "sleep", "600");
        String ends =
                NODE.succeed(
                                "run",
                                "-d",
                                "--name",
                                "ends",
                                "demo",
                                "sh",
                                "-c",
                                "sleep 3; echo bye; exit 11")
                        .line();
        String boot = bootId();

        NODE.killDaemon();
        Await.until(
                "the container to end without a daemon",
                LIMIT,
                () -> NODE.log(ends).contains(" bye\n"),
                NODE::logText);
        NODE.startDaemon();

        assertEquals("11", NODE.succeed("wait", "ends").line());
        assertTrue(NODE.succeed("ps").text().contains("stays"));
        assertEquals("the same machine, not another", boot, bootId());
        NODE.succeed("rm", "-f", "stays");
        NODE.succeed("rm", "ends");
        NODE.nothingLeft();
    }

    private static String bootId() {
        return NODE.succeed("exec", "stays", "cat", "/proc/sys/kernel/random/boot_id").line();
    }

    private static String counted() {
        StringBuilder lines = new StringBuilder();
        for (int i = 0; i < 400; i++) {
            lines.append("line ").append(i).append('\n');
        }
        return lines.toString();
    }
}
