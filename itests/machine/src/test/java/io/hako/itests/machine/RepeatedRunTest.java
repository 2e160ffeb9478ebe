// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import org.junit.ClassRule;
import org.junit.Test;

/**
 * Run after run: exit codes are true, and neither the machine nor hakod holds more than after the
 * first one.
 */
public class RepeatedRunTest {
    @ClassRule public static final Node NODE = new Node();

    private static final int[] CODES = {1, 255, 137};
    private static final int[] MORE_CODES = {1, 255, 137, 0, 42, 2, 126, 127, 254, 3};

    @Test
    public void nothingGrows() {
        int[] codes = LongTests.asked() ? MORE_CODES : CODES;
        // The first run loads classes and jars and starts the pollers and carriers of virtual
        // threads.
        runWith(0);
        NODE.nothingLeft();
        DaemonProcess first = now();
        assertTrue("hakod has at most 90 MiB: " + first, first.resident() <= 90L << 20);

        for (int code : codes) {
            runWith(code);
        }

        NODE.nothingLeft();
        // What leaks at each run comes to as many as there were runs; below that the JVM may still
        // have grown by itself.
        Await.until(
                "hakod to hold fewer than "
                        + codes.length
                        + " more descriptors and threads than "
                        + first,
                Node.LIMIT,
                () ->
                        now().descriptors() < first.descriptors() + codes.length
                                && now().threads() < first.threads() + codes.length,
                () -> now() + "\n" + NODE.descriptorsText());
    }

    private static DaemonProcess now() {
        return DaemonProcess.of(NODE.daemonPid());
    }

    private static void runWith(int code) {
        assertEquals(code, NODE.hako("run", "--rm", "demo", "sh", "-c", "exit " + code).exit());
    }
}
