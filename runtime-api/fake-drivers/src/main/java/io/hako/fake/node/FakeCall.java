// SPDX-License-Identifier: Apache-2.0
package io.hako.fake.node;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A call with a time limit, that a test can cancel. Thread-safe. */
public final class FakeCall implements Call {
    private final long end;
    private final List<Runnable> wakes = new ArrayList<>();
    private boolean cancelled;

    private FakeCall(Duration limit) {
        this.end = System.nanoTime() + limit.toNanos();
    }

    public static FakeCall within(Duration limit) {
        return new FakeCall(limit);
    }

    /** Ten seconds: more than any step of a fake takes. */
    public static FakeCall patient() {
        return within(Duration.ofSeconds(10));
    }

    /** One that was given up before it began. */
    public static FakeCall cancelled() {
        FakeCall call = patient();
        call.cancel();
        return call;
    }

    public void cancel() {
        List<Runnable> due;
        synchronized (this) {
            cancelled = true;
            due = List.copyOf(wakes);
            wakes.clear();
        }
        due.forEach(Runnable::run);
    }

    @Override
    public Duration remaining() {
        return Duration.ofNanos(Math.max(0, end - System.nanoTime()));
    }

    @Override
    public void checkCancelled() {
        synchronized (this) {
            if (cancelled) {
                throw new DriverException(FailureKind.CANCELLED, "The caller gave up.");
            }
        }
        if (remaining().isZero()) {
            throw new DriverException(FailureKind.DEADLINE_EXCEEDED, "The call's time is over.");
        }
    }

    @Override
    public Registration onCancelled(Runnable wake) {
        synchronized (this) {
            if (!cancelled) {
                wakes.add(wake);
                return () -> forget(wake);
            }
        }
        wake.run();
        return () -> {};
    }

    @Override
    public void progress(String what, long done, long total) {}

    private synchronized void forget(Runnable wake) {
        wakes.remove(wake);
    }
}
