// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;

/** The drivers that are there, and which of several bundles serves new handles. Thread-safe. */
final class Roster {
    /**
     * How long a call waits for a driver that is not there: an update or restart of its bundle
     * takes less.
     */
    private static final Duration PATIENCE = Duration.ofSeconds(15);

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<BoundDriver> drivers = new ArrayList<>();
    private final Set<Long> standby = new HashSet<>();
    private final Function<DriverId, String> reason;

    /**
     * @param reason why a driver is not there, in a sentence
     */
    Roster(Function<DriverId, String> reason) {
        this.reason = reason;
    }

    void add(BoundDriver driver) {
        lock.lock();
        try {
            drivers.add(driver);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    Optional<BoundDriver> remove(Object reference) {
        lock.lock();
        try {
            Optional<BoundDriver> found =
                    drivers.stream().filter(d -> d.reference().equals(reference)).findFirst();
            found.ifPresent(drivers::remove);
            return found;
        } finally {
            lock.unlock();
        }
    }

    /** A bundle on standby serves only if no other does. */
    void standby(long bundle, boolean on) {
        lock.lock();
        try {
            if (on) {
                standby.add(bundle);
            } else {
                standby.remove(bundle);
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    List<BoundDriver> all(DriverId id) {
        lock.lock();
        try {
            Comparator<BoundDriver> serving =
                    Comparator.comparing(d -> standby.contains(d.bundle().getBundleId()));
            return drivers.stream()
                    .filter(d -> d.id().equals(id))
                    .sorted(
                            serving.thenComparing(
                                    BoundDriver::reference, Comparator.reverseOrder()))
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    Optional<BoundDriver> serving(DriverId id) {
        return all(id).stream().findFirst();
    }

    Optional<BoundDriver> of(DriverId id, long bundle) {
        return all(id).stream().filter(d -> d.bundle().getBundleId() == bundle).findFirst();
    }

    /** Waits for a bundle's driver; empty if it has not come within the call's time. */
    Optional<BoundDriver> await(DriverId id, long bundle, Call call) {
        lock.lock();
        try {
            CallScope.await(call, lock, changed, () -> of(id, bundle).isPresent());
            return of(id, bundle);
        } finally {
            lock.unlock();
        }
    }

    /**
     * The driver that serves, entered: the caller leaves its gate.
     *
     * @throws DriverException UNAVAILABLE with the reason if none comes within the call's time, or
     *     the roster's patience
     */
    BoundDriver enter(DriverId id, Call call) {
        // The reason is looked for without the lock: the component runtime, which is asked, may
        // wait for us to unbind.
        return awaitEntered(id, call)
                .orElseThrow(
                        () ->
                                new DriverException(
                                        FailureKind.UNAVAILABLE,
                                        "Driver %s is not there. %s"
                                                .formatted(id, reason.apply(id))));
    }

    /**
     * The first driver that takes a handle up, entered: the one that serves, else the one that made
     * it, if that is still there. The caller leaves its gate.
     *
     * @param adopt tries one, which is entered
     * @throws DriverException what the one that serves said, if none takes it up
     */
    BoundDriver enterFirst(DriverId id, Call call, Consumer<BoundDriver> adopt) {
        BoundDriver serving = enter(id, call);
        Optional<DriverException> refusal = refusal(serving, adopt);
        if (refusal.isEmpty()) {
            return serving;
        }
        return all(id).stream()
                .filter(other -> other != serving && other.gate().enter())
                .filter(other -> refusal(other, adopt).isEmpty())
                .findFirst()
                .orElseThrow(refusal::get);
    }

    /** Tries an entered driver, and leaves it if it does not take the handle up. */
    private static Optional<DriverException> refusal(
            BoundDriver entered, Consumer<BoundDriver> adopt) {
        boolean adopted = false;
        try {
            adopt.accept(entered);
            adopted = true;
            return Optional.empty();
        } catch (DriverException e) {
            return Optional.of(e);
        } finally {
            if (!adopted) {
                entered.gate().leave();
            }
        }
    }

    private Optional<BoundDriver> awaitEntered(DriverId id, Call call) {
        lock.lock();
        try (CallPart patient = CallPart.of(call, PATIENCE)) {
            Optional<BoundDriver> entered = entered(id);
            while (entered.isEmpty()
                    && CallScope.await(
                            patient.call(), lock, changed, () -> serving(id).isPresent())) {
                entered = entered(id);
            }
            return entered;
        } finally {
            lock.unlock();
        }
    }

    private Optional<BoundDriver> entered(DriverId id) {
        return all(id).stream().filter(driver -> driver.gate().enter()).findFirst();
    }
}
