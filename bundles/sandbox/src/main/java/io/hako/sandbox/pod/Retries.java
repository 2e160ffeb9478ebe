// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The pauses between attempts at what fails: each twice as long as the one before, up to a longest,
 * and none after the daemon has stopped. Thread-safe.
 */
final class Retries implements AutoCloseable {
    private final Duration first;
    private final Duration longest;
    private final CallScope daemon = CallScope.unlimited();

    Retries(Duration first, Duration longest) {
        this.first = first;
        this.longest = longest;
    }

    /** An attempt's time; it ends with the daemon too. */
    Call attempt(Duration limit) {
        return Bounded.within(limit, daemon);
    }

    /** After so many failures, from 1. */
    Duration after(int failures) {
        Duration pause = first;
        for (int i = 1; i < failures && pause.compareTo(longest) < 0; i++) {
            pause = pause.multipliedBy(2);
        }
        return pause.compareTo(longest) < 0 ? pause : longest;
    }

    /**
     * Waits before the next attempt.
     *
     * @return false if there is to be none, since the daemon stops
     */
    boolean pause(int failures) {
        ReentrantLock lock = new ReentrantLock();
        Condition never = lock.newCondition();
        lock.lock();
        try {
            CallScope.await(attempt(after(failures)), lock, never, () -> false);
            return !daemon.cancelled();
        } catch (DriverException e) { // the daemon stops
            return false;
        } finally {
            lock.unlock();
        }
    }

    /** The daemon stops. */
    @Override
    public void close() {
        daemon.cancel();
    }
}
