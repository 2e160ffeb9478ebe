// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.Driver;
import io.hako.api.driver.Handle;
import io.hako.api.driver.HandleState;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.driverhost.Lease;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A slot's handle: held by a driver at the moment, or waiting to be adopted by the next call.
 *
 * <p>A call on the handle is one turn, and so is a move of it. A handle whose driver was unbound is
 * released by whoever has the turn then: the unbinding thread if the handle is idle, else the
 * thread whose call ends.
 */
final class HandleLease<H extends Handle> implements Lease<H> {
    private final LeaseSite site;
    private final HandleKind<?, H> kind;
    private final String slot;
    private final DriverId driver;
    private final Turn turn;
    private volatile HandleState state;
    private volatile Optional<Held<H>> held = Optional.empty();
    private volatile boolean closed;

    HandleLease(LeaseSite site, HandleKind<?, H> kind, String slot, HandleState state) {
        this.site = site;
        this.kind = kind;
        this.slot = slot;
        this.driver = state.driver();
        this.state = state;
        this.turn = new Turn("handle %s of sandbox %s".formatted(slot, site.owner()));
    }

    /** A handle, and the driver that it is of. */
    record Held<H extends Handle>(BoundDriver by, H handle) {}

    HandleKind<?, H> kind() {
        return kind;
    }

    LeaseSite site() {
        return site;
    }

    /** The bundle that has the handle now; empty while none has. */
    Optional<BoundDriver> holder() {
        return held.map(Held::by);
    }

    /** Takes a handle that was made just now. The caller is inside the driver's gate. */
    void hold(BoundDriver by, H handle) {
        held = Optional.of(new Held<>(by, handle));
    }

    /** Adopts now rather than at the first call, so that a failure is known. */
    void adopt(Call call) {
        with(call, handle -> driver);
    }

    @Override
    public DriverId driver() {
        return driver;
    }

    @Override
    public String slot() {
        return slot;
    }

    @Override
    public HandleState state() {
        return state;
    }

    @Override
    public void run(Call call, Consumer<? super H> work) {
        with(
                call,
                handle -> {
                    work.accept(handle);
                    return driver;
                });
    }

    @Override
    public <P, T> T power(Class<P> power, Call call, Function<? super P, T> work) {
        return with(
                call,
                handle -> {
                    if (!power.isInstance(handle)) {
                        throw DriverException.unsupported(
                                "Driver %s cannot do this: its handles are not %s."
                                        .formatted(driver, power.getSimpleName()));
                    }
                    return work.apply(power.cast(handle));
                });
    }

    @Override
    public <T> T with(Call call, Function<? super H, T> work) {
        turn.begin(call);
        try {
            requireOpen();
            return inside(call, work);
        } finally {
            turn.end();
        }
    }

    @Override
    public void destroy(Call call) {
        turn.begin(call);
        try {
            if (!closed) {
                inside(
                        call,
                        handle -> {
                            handle.destroy(call);
                            return driver;
                        });
                held = Optional.empty();
                site.gone(this, call);
                closed = true;
            }
        } finally {
            turn.end();
        }
    }

    /** Lets go of the handle for good; what it stands for is someone else's care from now on. */
    void abandon(Call call) {
        turn.begin(call);
        try {
            closed = true;
            letGo();
        } finally {
            turn.end();
        }
    }

    /**
     * Lets go of the handle if a driver that was unbound has it; the next call adopts. Waits for
     * its turn at most so long.
     */
    void leave(BoundDriver unbound, Duration limit) {
        if (holds(unbound) && turn.tryBegin(limit)) {
            try {
                if (holds(unbound)) {
                    letGo();
                }
            } finally {
                turn.end();
            }
        }
    }

    /**
     * Moves the handle to another bundle's driver. On failure no one may have it; the next call
     * adopts it.
     *
     * @return why it was not moved; empty if it was
     */
    Optional<DriverException> move(BoundDriver to, Call call) {
        try {
            turn.begin(call);
            try {
                moveNow(to, call);
            } finally {
                turn.end();
            }
            return Optional.empty();
        } catch (DriverException e) {
            return Optional.of(e);
        }
    }

    private void moveNow(BoundDriver to, Call call) {
        if (!closed && !holds(to)) {
            refuseUnreadable(to);
            letGo();
            take(to, call);
        }
    }

    private void refuseUnreadable(BoundDriver to) {
        if (!to.announcement().schemas().reads(state.schema())) {
            throw DriverException.unsupported(
                    "The state of %s has schema %d, but bundle %s reads %d to %d."
                            .formatted(
                                    slot,
                                    state.schema(),
                                    to.bundle().getVersion(),
                                    to.announcement().schemas().oldest(),
                                    to.announcement().schemas().written()));
        }
    }

    /** Adopts into one certain driver. */
    private void take(BoundDriver to, Call call) {
        if (!to.gate().enter()) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE, "Driver %s was stopped meanwhile.".formatted(driver));
        }
        try {
            adopted(kind, to, call);
        } finally {
            to.gate().leave();
        }
    }

    private <D extends Driver<?>> void adopted(HandleKind<D, H> of, BoundDriver by, Call call) {
        H handle =
                by.call(
                        of.driver(),
                        d -> of.adopt().adopt(d, state, site.context(slot, driver), call));
        held = Optional.of(new Held<>(by, handle));
    }

    /**
     * Does the work within the gate of a driver that has the handle, adopting first if none has.
     */
    private <T> T inside(Call call, Function<? super H, T> work) {
        BoundDriver by = enterHolder(call);
        try {
            H handle = held.orElseThrow().handle();
            return Failures.guard(driver, () -> work.apply(handle));
        } finally {
            try {
                record();
            } finally {
                by.gate().leave();
                if (by.gate().closed()) {
                    letGo();
                }
            }
        }
    }

    private BoundDriver enterHolder(Call call) {
        Optional<BoundDriver> holder = holder();
        if (holder.isPresent() && holder.get().gate().enter()) {
            return holder.get();
        }
        letGo();
        return site.roster().enterFirst(driver, call, by -> adopted(kind, by, call));
    }

    /** Journals the state if the last call changed it. */
    private void record() {
        Optional<Held<H>> now = held;
        if (now.isEmpty()) {
            return;
        }
        HandleState latest = Failures.guard(driver, () -> now.get().handle().state());
        if (!latest.equals(state)) {
            site.record(slot, latest);
            state = latest;
        }
    }

    private void letGo() {
        held.ifPresent(h -> Failures.guard(driver, h.handle()::release));
        held = Optional.empty();
    }

    private boolean holds(BoundDriver by) {
        return held.filter(h -> h.by() == by).isPresent();
    }

    private void requireOpen() {
        if (closed) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "The handle %s of sandbox %s is no longer there."
                            .formatted(slot, site.owner()));
        }
    }
}
