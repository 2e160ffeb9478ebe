// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * The daemon's {@link Call}: a limit from now on, and a switch that its maker may turn once.
 *
 * <p>Thread-safe. Cancelling interrupts nobody; it wakes those that wait by {@link #await}.
 */
public final class CallScope implements Call {
    /** What {@link #remaining()} says where there is no limit: about a century. */
    public static final Duration UNLIMITED = Duration.ofDays(36_500);

    private final long end;
    private final boolean limited;
    private final Map<Registration, Runnable> wakes = new LinkedHashMap<>();
    private boolean cancelled;

    private CallScope(Duration limit, boolean limited) {
        this.limited = limited;
        this.end = System.nanoTime() + limit.toNanos();
    }

    public static CallScope within(Duration limit) {
        return new CallScope(limit, true);
    }

    public static CallScope unlimited() {
        return new CallScope(UNLIMITED, false);
    }

    @Override
    public Duration remaining() {
        return limited ? Duration.ofNanos(Math.max(0, end - System.nanoTime())) : UNLIMITED;
    }

    @Override
    public void checkCancelled() {
        if (cancelled()) {
            throw new DriverException(FailureKind.CANCELLED, "The caller gave the operation up.");
        }
        if (remaining().isZero()) {
            throw new DriverException(
                    FailureKind.DEADLINE_EXCEEDED, "The time for the operation has run out.");
        }
    }

    /** Nobody listens: the progress of a task is not shown by containerd. */
    @Override
    public void progress(String what, long done, long total) {}

    public synchronized boolean cancelled() {
        return cancelled;
    }

    /** Gives the operation up; does nothing the second time. */
    public void cancel() {
        List<Runnable> now;
        synchronized (this) {
            cancelled = true;
            now = List.copyOf(wakes.values());
            wakes.clear();
        }
        now.forEach(Runnable::run);
    }

    @Override
    public Registration onCancelled(Runnable wake) {
        Registration registration =
                new Registration() {
                    @Override
                    public void close() {
                        forget(this);
                    }
                };
        if (!keep(registration, wake)) {
            wake.run();
        }
        return registration;
    }

    private synchronized boolean keep(Registration registration, Runnable wake) {
        if (!cancelled) {
            wakes.put(registration, wake);
        }
        return !cancelled;
    }

    private synchronized void forget(Registration registration) {
        wakes.remove(registration);
    }

    /**
     * Waits on a condition until something holds, or the call's time is over. The caller holds the
     * lock, and has it again when this ends.
     *
     * @return false if time ran out first
     * @throws DriverException CANCELLED if the caller gave up or the thread was interrupted
     */
    public static boolean await(
            Call call, ReentrantLock lock, Condition condition, BooleanSupplier until) {
        Runnable wake =
                () -> {
                    lock.lock();
                    try {
                        condition.signalAll();
                    } finally {
                        lock.unlock();
                    }
                };
        Registration registration = call.onCancelled(wake);
        try {
            return awaitSignals(call, condition, until);
        } finally {
            registration.close();
        }
    }

    private static boolean awaitSignals(Call call, Condition condition, BooleanSupplier until) {
        while (!until.getAsBoolean()) {
            Duration left = call.remaining();
            if (left.isZero()) {
                return false;
            }
            call.checkCancelled();
            awaitOnce(condition, left.toNanos());
        }
        return true;
    }

    private static void awaitOnce(Condition condition, long nanos) {
        try {
            condition.awaitNanos(nanos);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DriverException(
                    FailureKind.CANCELLED, "The operation's thread was interrupted.", e);
        }
    }
}
