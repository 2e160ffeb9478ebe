// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.stream.IntStream;
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

    private static final Executor THREADS = Thread::startVirtualThread;

    /** Of the long run, one after the other and then so many at a time. */
    private static final int MANY = 200;

    private static final int AT_A_TIME = 10;

    /** What hakod may grow by, once it has had as many containers as it ever has at a time. */
    private static final long GROWTH = 5L << 20;

    @Test
    public void nothingGrows() {
        int[] codes = LongTests.asked() ? MORE_CODES : CODES;
        // The first run loads classes and jars and starts the pollers and carriers of virtual
        // threads.
        runWith(0);
        NODE.nothingLeft();
        // What the compiler and the libraries have freed, the JVM gives back once a second.
        Await.until(
                "hakod to have at most 90 MiB",
                Node.LIMIT,
                () -> now().resident() <= 90L << 20,
                () -> now().toString());
        DaemonProcess first = now();

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

    @Test
    public void hakodHoldsNoMoreAfterManyContainers() {
        LongTests.only();
        together(AT_A_TIME);
        NODE.nothingLeft();
        DaemonProcess first = now();

        for (int i = 0; i < MANY; i++) {
            runWith(i % 256);
        }
        for (int i = 0; i < MANY; i += AT_A_TIME) {
            together(AT_A_TIME);
        }

        NODE.nothingLeft();
        Await.until(
                "hakod to hold what it held after the first ten: " + first,
                Node.LIMIT,
                () ->
                        now().descriptors() <= first.descriptors() + AT_A_TIME
                                && now().threads() <= first.threads() + AT_A_TIME
                                && now().resident() <= first.resident() + GROWTH,
                () -> now() + "\n" + NODE.descriptorsText());
    }

    private static void together(int count) {
        List<CompletableFuture<Void>> runs =
                IntStream.rangeClosed(1, count)
                        .mapToObj(code -> CompletableFuture.runAsync(() -> runWith(code), THREADS))
                        .toList();
        runs.forEach(CompletableFuture::join);
    }

    private static DaemonProcess now() {
        return DaemonProcess.of(NODE.daemonPid());
    }

    private static void runWith(int code) {
        Result result = NODE.hako("run", "--rm", "demo", "sh", "-c", "exit " + code);
        assertEquals(result.toString(), code, result.exit());
    }
}
