// SPDX-License-Identifier: Apache-2.0
package io.hako.fake;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.time.Duration;

/** A second for cleaning up after a failure, which no one can cancel. */
final class UndoCall implements Call {
    private final long end = System.nanoTime() + Duration.ofSeconds(1).toNanos();

    @Override
    public Duration remaining() {
        return Duration.ofNanos(Math.max(0, end - System.nanoTime()));
    }

    @Override
    public void checkCancelled() {
        if (remaining().isZero()) {
            throw new DriverException(
                    FailureKind.DEADLINE_EXCEEDED, "Cleaning up took longer than a second.");
        }
    }

    @Override
    public Registration onCancelled(Runnable wake) {
        return () -> {};
    }

    @Override
    public void progress(String what, long done, long total) {}
}
