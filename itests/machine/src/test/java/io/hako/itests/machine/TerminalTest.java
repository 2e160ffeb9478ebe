// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;

import org.junit.ClassRule;
import org.junit.Test;

/** {@code -it}: what a person at a terminal sees of a shell in a container. */
public class TerminalTest {
    @ClassRule public static final Node NODE = new Node();

    private static final String INTERRUPT = "\003";

    @Test
    public void aShellInAContainerIsAsOneHere() {
        try (Terminal shell =
                new Terminal(NODE, 33, 101, "run", "--rm", "-it", "--name", "seat", "demo", "sh")) {
            shell.expect("/ # ");
            hasItsSizeAndFollowsTheWindow(shell);
            interruptsWhatRunsInFront(shell);
            execHasATerminalOfItsOwn();

            shell.type("exit 9\n");
            assertEquals(9, shell.finish().exit());
        }
        NODE.nothingLeft();
    }

    private static void hasItsSizeAndFollowsTheWindow(Terminal shell) {
        shell.type("stty size\n");
        shell.expect("33 101");
        shell.type(
                "sh -c 'trap \"stty size; exit\" WINCH; echo rea\"\"dy; while :; do sleep 0.1; done'\n");
        shell.expect("ready");
        shell.resize(50, 120);
        shell.expect("50 120");
        shell.expect("/ # ");
    }

    /**
     * What is typed is shown, and the interrupt character ends the program in front, not the shell.
     * The program itself says that it runs: between a shell's fork and the program's exec an
     * interrupt is caught by the shell's own handler, and lost, on every Linux.
     */
    private static void interruptsWhatRunsInFront(Terminal shell) {
        shell.type("sh -c 'echo beg\"\"un; exec sleep 600'\n");
        shell.expect("echo beg\"\"un");
        shell.expect("begun");
        shell.type(INTERRUPT);
        shell.expect("/ # ");
        shell.type("echo code $?\n");
        shell.expect("code 130");
    }

    private static void execHasATerminalOfItsOwn() {
        try (Terminal second = new Terminal(NODE, 20, 70, "exec", "-it", "seat", "sh")) {
            second.expect("/ # ");
            second.type("tty; stty size\n");
            second.expect("/dev/pts/1");
            second.expect("20 70");
            second.resize(21, 71);
            second.type("stty size\n");
            second.expect("21 71");
            second.type("exit 4\n");
            assertEquals(4, second.finish().exit());
        }
    }
}
