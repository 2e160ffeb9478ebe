// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Calls on one handle, or swaps of drivers, take turns, first come, first served: who calls without
 * pause does not keep a swap waiting.
 */
final class Turn {
    private final ReentrantLock lock = new ReentrantLock(true);
    private final String whose;

    /**
     * @param whose such as "handle h0 of sandbox a"
     */
    Turn(String whose) {
        this.whose = whose;
    }

    /** Waits for the turn within the call's time; {@link #end} is to follow. */
    void begin(Call call) {
        call.checkCancelled();
        if (!tryBegin(call.remaining())) {
            throw new DriverException(
                    FailureKind.DEADLINE_EXCEEDED,
                    "The %s was busy with another call.".formatted(whose));
        }
    }

    boolean tryBegin(Duration limit) {
        try {
            return lock.tryLock(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DriverException(
                    FailureKind.CANCELLED,
                    "The wait for the %s was interrupted.".formatted(whose),
                    e);
        }
    }

    void end() {
        lock.unlock();
    }
}
