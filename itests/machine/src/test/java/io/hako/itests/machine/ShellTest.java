// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * The Felix shell: hako's verbs, and plain Felix commands on a driver with a live pod, which lose
 * it nothing.
 */
public class ShellTest {
    @ClassRule public static final Node NODE = new Node();

    private static final FelixShell SHELL = new FelixShell(NODE);

    @BeforeClass
    public static void aContainer() {
        NODE.succeed("run", "-d", "--name", "shelled", "demo", "sleep", "600");
    }

    @AfterClass
    public static void removed() {
        NODE.succeed("rm", "-f", "shelled");
    }

    @Test
    public void listShowsBundleDriverLeasesAndPods() {
        String list = SHELL.answer("hako:list");

        assertTrue(
                list,
                list.lines()
                        .anyMatch(
                                line ->
                                        line.contains("hypervisor/qemu")
                                                && line.contains("io.hako.hypervisor.qemu")
                                                && line.contains("leases 1")
                                                && line.contains("hako@")));
    }

    @Test
    public void helpKnowsTheVerbs() {
        String help = SHELL.answer("help");

        for (String verb : new String[] {"hako:list", "hako:why", "hako:swap", "felix:lb"}) {
            assertTrue(verb + " in " + help, help.contains(verb));
        }
    }

    @Test
    public void aPersonAtATerminalIsGreetedAndPrompted() {
        try (Terminal terminal = new Terminal(NODE, 24, 80, "shell")) {
            terminal.expect("hakod's Felix shell.");
            terminal.expect("hako> ");
            terminal.type("hako:ps\n");
            terminal.expect("shelled");
            terminal.expect("hako> ");
            terminal.type("exit\n");
            assertEquals(0, terminal.finish().exit());
        }
    }

    @Test
    public void aLineThatEndsWithATabIsCompleted() {
        assertEquals(
                "no greeting and no prompt for a script", "hako:swap\n", SHELL.answer("hako:sw\t"));
    }

    @Test
    public void whyOfADriverThatIsNotThere() {
        String why = SHELL.answer("hako:why hypervisor/bhyve");

        assertTrue(why, why.contains("bhyve"));
    }

    @Test
    public void stopAndStartOfADriverLosesNoPod() {
        String id = bundle("hypervisor/qemu");

        SHELL.answer("felix:stop " + id);
        SHELL.answer("felix:start " + id);

        stillServed("after stop and start");
    }

    @Test
    public void updateAndRefreshOfADriverLoseNoPod() {
        for (String driver : new String[] {"hypervisor/qemu", "storage/virtio-fs"}) {
            String id = bundle(driver);
            SHELL.answer("felix:update " + id);
            stillServed("after update of " + driver);
            SHELL.answer("felix:refresh " + id);
            stillServed("after refresh of " + driver);
        }
    }

    private static void stillServed(String when) {
        assertEquals("here\n", NODE.succeed("exec", "shelled", "echo", "here").text());
        Await.until(
                "the lease of the pod " + when,
                Node.LIMIT,
                () ->
                        SHELL.answer("hako:list")
                                .lines()
                                .anyMatch(
                                        line ->
                                                line.contains("hypervisor/qemu")
                                                        && line.contains("serving")
                                                        && line.contains("leases 1")),
                () -> SHELL.answer("hako:list"));
    }

    private static String bundle(String driver) {
        String list = SHELL.answer("hako:list");
        Matcher line =
                Pattern.compile("(?m)^\\s*(\\d+) .*" + Pattern.quote(driver) + ".*$").matcher(list);
        assertTrue(list, line.find());
        return line.group(1);
    }
}
