// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Waiting for a condition of the outside world, which sends no signal: asked again every 20 ms
 * until a limit.
 */
public final class Await {
    private Await() {}

    public static void until(
            String what, Duration limit, BooleanSupplier condition, Supplier<String> otherwise) {
        long end = System.nanoTime() + limit.toNanos();
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError(
                        "Waited " + limit + " for " + what + "; " + otherwise.get());
            }
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException e) {
            throw new AssertionError("Interrupted while waiting", e);
        }
    }
}
