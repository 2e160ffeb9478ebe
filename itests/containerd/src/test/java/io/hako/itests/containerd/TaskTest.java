// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static io.hako.itests.containerd.Containerd.IMAGE;
import static io.hako.itests.containerd.Containerd.RUNTIME;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import io.hako.itests.machine.Node;
import io.hako.itests.machine.Result;
import io.hako.itests.machine.Running;
import io.hako.itests.machine.Terminal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/** What a user of ctr sees of containers under the shim. */
public class TaskTest {
    private static final Node NODE = new Node();
    private static final Containerd CONTAINERD = new Containerd(NODE);

    @ClassRule public static final RuleChain RULES = RuleChain.outerRule(NODE).around(CONTAINERD);

    @Test
    public void theContainerHasAKernelOfItsOwnAndLeavesNothing() throws IOException {
        String host = Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();

        String guest =
                CONTAINERD
                        .succeed(
                                "run", "--rm", "--runtime", RUNTIME, IMAGE, "kernel", "uname", "-r")
                        .line();

        assertTrue("a kernel release: " + guest, guest.matches("\\d+\\.\\d+\\..*"));
        assertNotEquals(host, guest);
        NODE.nothingLeft();
    }

    @Test
    public void outputsStayApartAndTheExitCodeComesBack() {
        Result result =
                CONTAINERD.ctr(
                        "run",
                        "--rm",
                        "--runtime",
                        RUNTIME,
                        IMAGE,
                        "codes",
                        "sh",
                        "-c",
                        "echo to-out; echo to-err >&2; exit 42");

        assertEquals("42 to-out\n", result.exit() + " " + result.text());
        // containerd 2 warns of old cgroups there, too.
        assertTrue(result.err(), result.err().endsWith("to-err\n"));
    }

    @Test
    public void aCommandThatDoesNotExistIsASentence() {
        Result result =
                CONTAINERD.ctr("run", "--rm", "--runtime", RUNTIME, IMAGE, "missing", "nosuch");

        assertTrue(result.toString(), result.err().contains("Command not found: nosuch"));
        assertNotEquals(0, result.exit());
    }

    @Test
    public void theInputReachesTheProgramAndSoDoesItsEnd() throws IOException {
        try (Running running =
                CONTAINERD.run("run", "--rm", "--runtime", RUNTIME, IMAGE, "input", "cat")) {
            running.write("hello\n");
            // ctr tells the end only of an input that outlasts the start of its task.
            running.awaitOutput("the echo", text -> text.equals("hello\n"), Node.LIMIT);
            CONTAINERD.awaitStatus("input", "RUNNING");
            running.stdin().close();

            assertEquals(0, running.finish(Node.LIMIT).exit());
        }
    }

    @Test
    public void aTerminalHasItsSize() {
        List<String> command =
                CONTAINERD.command(
                        "run", "--rm", "-t", "--runtime", RUNTIME, IMAGE, "terminal", "sh");
        try (Terminal terminal = new Terminal(NODE, 33, 99, command)) {
            terminal.expect("#");
            terminal.type("stty size; tty\n");
            terminal.expect("33 99");
            terminal.expect("/dev/pts/0");
            terminal.type("exit 5\n");

            assertEquals(5, terminal.finish().exit());
        }
    }

    @Test
    public void aTaskLivesThroughAllVerbsAndItsEventsComeInOrder() {
        try (Running events = CONTAINERD.run("events")) {
            CONTAINERD.runDetached("verbs", "sleep", "1000");
            assertEquals("RUNNING", CONTAINERD.status("verbs"));
            Result exec =
                    CONTAINERD.ctr(
                            "task",
                            "exec",
                            "--exec-id",
                            "e1",
                            "verbs",
                            "sh",
                            "-c",
                            "echo hi; exit 3");
            assertEquals("3 hi\n", exec.exit() + " " + exec.text());
            CONTAINERD.succeed("task", "pause", "verbs");
            assertEquals("PAUSED", CONTAINERD.status("verbs"));
            CONTAINERD.succeed("task", "resume", "verbs");
            assertTrue(
                    CONTAINERD.succeed("task", "metrics", "verbs").text().contains("memory.usage"));
            assertEquals(2, Containerd.lines(CONTAINERD.succeed("task", "ps", "verbs")).count());
            CONTAINERD.succeed("task", "kill", "-s", "9", "verbs");
            CONTAINERD.awaitStatus("verbs", "STOPPED");
            CONTAINERD.succeed("task", "rm", "verbs");
            CONTAINERD.succeed("c", "rm", "verbs");

            List<String> wanted =
                    List.of(
                            "create",
                            "start",
                            "exec-added",
                            "exec-started",
                            "exit",
                            "paused",
                            "resumed",
                            "exit",
                            "delete");
            events.awaitOutput(
                    "the task's last event",
                    text -> topics(text).size() >= wanted.size(),
                    Node.LIMIT);
            assertEquals(wanted, topics(events.textSoFar()));
        }
        NODE.nothingLeft();
    }

    @Test
    public void whatCannotBeDoneIsRefusedInASentence() {
        CONTAINERD.runDetached("refused", "sleep", "1000");
        assertRefused("failed precondition", "task", "rm", "refused");
        assertRefused("cannot be checkpointed", "task", "checkpoint", "refused");
        CONTAINERD.succeed("task", "kill", "-s", "9", "refused");
        CONTAINERD.awaitStatus("refused", "STOPPED");
        assertRefused("has ended already", "task", "kill", "-s", "9", "refused");
        CONTAINERD.succeed("task", "rm", "refused");
        CONTAINERD.succeed("c", "rm", "refused");
    }

    private static void assertRefused(String words, String... arguments) {
        Result result = CONTAINERD.ctr(arguments);
        assertTrue(result.toString(), result.exit() != 0 && result.err().contains(words));
    }

    /** The topics of tasks' events, in order, without their common beginning. */
    private static List<String> topics(String events) {
        return events.lines()
                .flatMap(line -> Stream.of(line.split(" ")))
                .filter(word -> word.startsWith("/tasks/"))
                .map(word -> word.substring("/tasks/".length()))
                .toList();
    }
}
