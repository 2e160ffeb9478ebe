// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/** Lets one verb at a time make or take away something of a pod. */
final class VerbOrder {
    private final ReentrantLock turn = new ReentrantLock();

    <T> T inTurn(Supplier<T> work) {
        turn.lock();
        try {
            return work.get();
        } finally {
            turn.unlock();
        }
    }

    /**
     * Likewise, for work that must come to its turn.
     *
     * @param patience how long others may go on; then {@code end} is run, to make them give up
     */
    <T> T inTurn(Duration patience, Runnable end, Supplier<T> work) {
        try {
            if (!turn.tryLock(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                end.run();
                turn.lock();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            turn.lock();
        }
        try {
            return work.get();
        } finally {
            turn.unlock();
        }
    }
}
