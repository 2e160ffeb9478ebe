// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import org.junit.After;
import org.junit.Before;
import org.junit.ClassRule;
import org.junit.Test;

/** {@code hako debug}: an operator in a guest in which nothing was prepared for that. */
public class DebugTest {
    @ClassRule public static final Node NODE = new Node();

    /** Of a shell that runs on unless it is ended. */
    private static final String MARK = "sleep 4711";

    @Before
    public void run() {
        NODE.succeed("run", "-d", "--name", "sick", "demo", "sleep", "600");
    }

    @After
    public void remove() {
        NODE.ensureDaemon();
        NODE.succeed("rm", "-f", "sick");
        NODE.nothingLeft();
    }

    @Test
    public void aShellIsBesideTheContainersAndItsUserIsTold() {
        try (Terminal shell = new Terminal(NODE, 33, 101, "debug", "sick")) {
            shell.expect(":/# ");
            shell.type("stty size; echo pid $$ of $(ps | grep -c '[s]leep 600')\n");
            shell.expect("33 101");
            shell.expect(" of 1");
            shell.resize(50, 120);
            shell.type("sh -c 'stty size; echo beg\"\"un; exec sleep 600'\n");
            shell.expect("50 120");
            shell.expect("begun");
            shell.type("\003");
            shell.expect(":/# ");
            shell.type("exit 9\n");
            assertEquals(9, shell.finish().exit());
        }
        String told =
                NODE.succeed("events", "--since", "0", "--until", "0s", "-f", "type=operator")
                        .text();
        assertTrue(told, told.contains("debug-start") && told.contains("user=root"));
        assertTrue(told, told.contains("It ended with status 9."));
        assertTrue(NODE.logText(), NODE.logText().contains("root runs [sh] in the guest of hako@"));
    }

    @Test
    public void aCommandHasItsWordsItsInputAndItsStatus() {
        Result result =
                NODE.hako(
                        "in\n".getBytes(java.nio.charset.StandardCharsets.UTF_8),
                        "debug",
                        "sick",
                        "sh",
                        "-c",
                        "read line; echo \"$line $1\"; echo oops >&2; exit 7",
                        "sh",
                        "a  b; c");
        assertEquals("in a  b; c\n", result.text());
        assertEquals("oops\n", result.err());
        assertEquals(7, result.exit());
    }

    @Test
    public void aSessionEndsWithItsOperator() {
        try (Running session = session()) {
            ProcessHandle.of(session.pid()).orElseThrow().destroyForcibly();
        }
        nothingRunsOn();
    }

    @Test
    public void aSessionEndsWithItsDaemonAndIsToldSo() {
        try (Running session = session()) {
            NODE.killDaemon();
            NODE.startDaemon();
            Result ended = session.finish(Node.LIMIT);
            assertEquals(125, ended.exit());
            assertTrue(ended.err(), ended.err().contains("the debug session with it"));
        }
        nothingRunsOn();
    }

    @Test
    public void aSessionEndsWithItsPod() {
        try (Running session = session()) {
            NODE.succeed("kill", "sick");
            assertEquals(125, session.finish(Node.LIMIT).exit());
        }
    }

    private static Running session() {
        Running session =
                NODE.start(
                        "debug",
                        "sick",
                        "sh",
                        "-c",
                        "(trap '' HUP TERM; " + MARK + ") & echo up; wait");
        session.awaitOutput("the session", out -> out.contains("up\n"), Node.LIMIT);
        return session;
    }

    /** Neither the shell nor what it started in the background. */
    private static void nothingRunsOn() {
        Await.until(
                "the end of what the session ran",
                Node.LIMIT,
                () -> !NODE.hako("debug", "sick", "ps").text().contains(MARK),
                NODE::logText);
    }
}
