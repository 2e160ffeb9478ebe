// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Counts the calls that are inside a driver, and lets no more in once it is closed. */
final class Gate {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition empty = lock.newCondition();
    private int inside;
    private boolean closed;

    /** Whether the caller is in; then it must {@link #leave}. */
    boolean enter() {
        lock.lock();
        try {
            if (!closed) {
                inside++;
            }
            return !closed;
        } finally {
            lock.unlock();
        }
    }

    void leave() {
        lock.lock();
        try {
            inside--;
            if (inside == 0) {
                empty.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    boolean closed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    /**
     * Lets no one in from now on, and waits until all have left; false if some had not by the
     * limit.
     */
    boolean close(Duration limit) {
        lock.lock();
        try {
            closed = true;
            long left = limit.toNanos();
            while (inside > 0 && left > 0) {
                left = empty.awaitNanos(left);
            }
            return inside == 0;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DriverException(
                    FailureKind.CANCELLED, "The wait for a driver's last call was interrupted.", e);
        } finally {
            lock.unlock();
        }
    }
}
