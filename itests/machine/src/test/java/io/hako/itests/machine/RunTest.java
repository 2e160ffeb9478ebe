// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * {@code hako run} in the foreground: a kernel of its own, exact exit codes, streams that stay
 * apart and complete.
 */
public class RunTest {
    @ClassRule public static final Node NODE = new Node();

    private static final int TEN_MIB = 10 * 1024 * 1024;

    @Test
    public void theContainerHasAKernelOfItsOwn() throws IOException {
        String host = Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip();

        String guest = NODE.succeed("run", "--rm", "demo", "uname", "-r").line();

        assertTrue("a kernel release: " + guest, guest.matches("\\d+\\.\\d+\\..*"));
        assertNotEquals(host, guest);
        NODE.nothingLeft();
    }

    @Test
    public void outputAndErrorStayApart() {
        Result result =
                NODE.hako(
                        "run", "--rm", "demo", "sh", "-c", "echo to-out; echo to-err >&2; exit 42");

        assertEquals(result.toString(), 42, result.exit());
        assertEquals("to-out\n", result.text());
        assertEquals("to-err\n", result.err());
    }

    @Test
    public void tenMebibytesGoThroughBothWays() {
        byte[] sent = tenMebibytes();

        Result echoed = NODE.hako(sent, "run", "--rm", "-i", "demo", "cat");

        assertEquals(echoed.err(), 0, echoed.exit());
        assertArrayEquals(sent, echoed.out());
    }

    /** The end of the input is told while the output goes on. */
    @Test
    public void theEndOfTheInputIsAHalfClose() {
        Result counted =
                NODE.hako(
                        tenMebibytes(),
                        "run",
                        "--rm",
                        "-i",
                        "demo",
                        "sh",
                        "-c",
                        "wc -c; echo more; exit 137");

        assertEquals(TEN_MIB + "\nmore\n", counted.text());
        assertEquals(counted.toString(), 137, counted.exit());
        NODE.nothingLeft();
    }

    @Test
    public void aCommandThatDoesNotExistIs127AndASentence() {
        Result result = NODE.hako("run", "--rm", "demo", "no-such-command");

        assertEquals(result.toString(), 127, result.exit());
        assertTrue(result.err(), result.err().startsWith("hako: Command not found: "));
        assertTrue(result.err(), result.err().contains("no-such-command"));
        assertEquals(result.err(), 1, result.err().lines().count());
        NODE.nothingLeft();
    }

    private static byte[] tenMebibytes() {
        byte[] bytes = new byte[TEN_MIB];
        new Random(42).nextBytes(bytes);
        return bytes;
    }
}
