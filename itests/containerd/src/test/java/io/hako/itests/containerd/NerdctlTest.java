// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static io.hako.itests.containerd.Containerd.IMAGE;
import static io.hako.itests.containerd.Containerd.RUNTIME;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeFalse;

import io.hako.itests.machine.Await;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Result;
import io.hako.itests.machine.Running;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.ExternalResource;
import org.junit.rules.RuleChain;

/**
 * What a user of nerdctl sees: it has containerd start its own program as the logger of each
 * container, and a hook of the host.
 */
public class NerdctlTest {
    private static final Node NODE = new Node();
    private static final Containerd CONTAINERD = new Containerd(NODE);
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String PRINTED = "out 1\nout 2\n";

    @ClassRule
    public static final RuleChain RULES =
            RuleChain.outerRule(new OnlyWithNerdctl()).around(NODE).around(CONTAINERD);

    private static final class OnlyWithNerdctl extends ExternalResource {
        @Override
        protected void before() {
            assumeFalse("no nerdctl", System.getProperty("hako.nerdctl", "").isEmpty());
        }
    }

    @Test
    public void aForegroundContainerHasItsInputOutputsAndExitCode() throws IOException {
        try (Running running =
                start(
                        "run",
                        "-i",
                        "--rm",
                        "--net",
                        "none",
                        "--runtime",
                        RUNTIME,
                        IMAGE,
                        "sh",
                        "-c",
                        "cat; echo to-err >&2; exit 3")) {
            running.write("given\n");
            running.awaitOutput("the echo", text -> text.equals("given\n"), LIMIT);
            running.stdin().close();
            Result result = running.finish(LIMIT);

            assertEquals(result.toString(), 3, result.exit());
            assertTrue(result.err(), result.err().contains("to-err\n"));
        }
        NODE.nothingLeft();
    }

    @Test
    public void aDetachedContainerIsLoggedAskedStoppedAndRemoved() {
        detached("web", "echo out 1; echo err >&2; echo out 2; exec sleep 1000");
        try (Running following = start("logs", "-f", "web")) {
            following.awaitOutput("what it has printed", PRINTED::equals, LIMIT);
            Result exec = nerdctl("exec", "web", "sh", "-c", "echo inside; exit 5");
            assertEquals("inside\n", exec.text());
            assertNotEquals(0, exec.exit());
            succeed("stop", "--time", "1", "web");

            Result followed = following.finish(LIMIT);
            assertEquals(followed.toString(), PRINTED, followed.text());
        }
        assertTrue(status("web"), status("web").startsWith("Exited (137)"));
        Result logs = succeed("logs", "web");
        assertEquals(PRINTED, logs.text());
        assertTrue(logs.err(), logs.err().endsWith("err\n"));
        succeed("start", "web");
        Await.until(
                "both lives to be logged",
                LIMIT,
                () -> succeed("logs", "web").text().equals(PRINTED + PRINTED),
                CONTAINERD::log);
        succeed("rm", "-f", "web");
        assertEquals("", status("web"));
        NODE.nothingLeft();
    }

    /** Its last words, too: nerdctl's logger stops reading when the exit is told. */
    @Test
    public void theLogOfWhatHasEndedIsWhole() {
        detached("much", "seq 50000; echo last");
        assertEquals("0", succeed("wait", "much").line());

        String wanted =
                IntStream.rangeClosed(1, 50_000)
                        .mapToObj(number -> number + "\n")
                        .collect(Collectors.joining("", "", "last\n"));
        String logged = succeed("logs", "much").text();
        assertEquals(wanted.length() + " bytes", logged.length() + " bytes");
        assertEquals(wanted, logged);
        succeed("rm", "much");
        NODE.nothingLeft();
    }

    @Test
    public void aDetachedTerminalIsLogged() {
        succeed(
                "run",
                "-d",
                "-t",
                "--name",
                "tty",
                "--net",
                "none",
                "--runtime",
                RUNTIME,
                IMAGE,
                "sh",
                "-c",
                "tty && echo done");
        assertEquals("0", succeed("wait", "tty").line());
        assertEquals(
                "/dev/pts/0 done", String.join(" ", succeed("logs", "tty").text().split("\\s+")));
        succeed("rm", "tty");
        NODE.nothingLeft();
    }

    private static void detached(String name, String script) {
        succeed(
                "run",
                "-d",
                "--name",
                name,
                "--net",
                "none",
                "--runtime",
                RUNTIME,
                IMAGE,
                "sh",
                "-c",
                script);
    }

    /** As `nerdctl ps -a` shows it; empty if there is no such container. */
    private static String status(String name) {
        return succeed("ps", "-a", "--filter", "name=" + name, "--format", "{{.Status}}").line();
    }

    private static Result succeed(String... arguments) {
        Result result = nerdctl(arguments);
        assertEquals(
                String.join(" ", arguments) + ": " + result + "\n" + CONTAINERD.log(),
                0,
                result.exit());
        return result;
    }

    private static Result nerdctl(String... arguments) {
        try (Running running = start(arguments)) {
            return running.finish(LIMIT);
        }
    }

    /** With data and network configurations of its own. */
    private static Running start(String... arguments) {
        String data = NODE.state().resolve("nerdctl").toString();
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Node.required("hako.nerdctl").resolve("nerdctl").toString(),
                                "--address=" + CONTAINERD.socket(),
                                "--namespace=" + CONTAINERD.namespace(),
                                "--data-root=" + data,
                                "--cni-netconfpath=" + data + "-cni",
                                "--cgroup-manager=cgroupfs"));
        command.addAll(List.of(arguments));
        return NODE.startProgram(command);
    }
}
