// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.plugin;

import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/** A call in it takes longer than a driver that leaves is waited for. */
public final class TakesLong extends PlainHypervisor {
    /** The name of a thread that is in its call. */
    public static final String INSIDE = "inside TakesLong";

    private static final Duration LONG = Duration.ofSeconds(5);

    @Override
    void booting() {
        Thread.currentThread().setName(INSIDE);
        long end = System.nanoTime() + LONG.toNanos();
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(end - System.nanoTime());
        }
        new AfterTheWait().run();
    }

    /** Not touched before the bundle is gone. */
    private static final class AfterTheWait implements Runnable {
        @Override
        public void run() {
            LockSupport.unpark(Thread.currentThread());
        }
    }
}
