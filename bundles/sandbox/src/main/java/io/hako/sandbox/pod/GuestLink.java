// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.guest.Guest;
import io.hako.guest.GuestEvent;
import io.hako.guest.GuestListener;
import io.hako.guest.Guests;
import io.hako.ttrpc.CallScope;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way to a pod's agent: one connection, made when it is needed and again when it was lost,
 * until {@link #close}. A question whose connection is lost is asked again; those that change
 * something carry a key by which the agent knows the repeat.
 */
final class GuestLink implements GuestListener {
    private static final Logger LOG = LoggerFactory.getLogger(GuestLink.class);
    private static final Duration PAUSE = Duration.ofMillis(100);

    private final OwnerId owner;
    private final Path socket;
    private final Guests guests;
    private final Consumer<GuestEvent.OutOfMemory> shortages;
    private final CallScope scope = CallScope.unlimited();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private Optional<Guest> current = Optional.empty();
    private boolean connecting;
    private volatile Optional<String> farewell = Optional.empty();

    /**
     * @param shortages hears of containers that ran out of memory, on one thread
     */
    GuestLink(
            OwnerId owner, Path socket, Guests guests, Consumer<GuestEvent.OutOfMemory> shortages) {
        this.owner = owner;
        this.socket = socket;
        this.guests = guests;
        this.shortages = shortages;
    }

    /**
     * Asks the agent something.
     *
     * @throws DriverException UNAVAILABLE after {@link #close}; DEADLINE_EXCEEDED or CANCELLED with
     *     the call; else as the agent answered
     */
    <T> T ask(Call call, BiFunction<Guest, Call, T> question) {
        Call both = Bounded.both(call, scope);
        while (true) {
            Optional<Guest> guest = Optional.empty();
            try {
                guest = Optional.of(connected(both));
                return question.apply(guest.get(), both);
            } catch (DriverException e) {
                if (scope.cancelled()) {
                    throw over();
                }
                boolean lost =
                        e.failure() == FailureKind.UNAVAILABLE
                                && !guest.map(Guest::isOpen).orElse(false);
                if (!lost) {
                    throw e;
                }
                LOG.debug("Sandbox {}: {}", owner, e.getMessage());
                pause(both);
            }
        }
    }

    /** Like {@link #ask}, for a question whose answer is that it was done. */
    void tell(Call call, Order order) {
        ask(
                call,
                (guest, within) -> {
                    order.give(guest, within);
                    return true;
                });
    }

    /**
     * A key that the agent has not heard of, for what is done again after it was undone: the agent
     * would take a key that it knows for the first time's repeat.
     */
    static String anew(String key) {
        return key + ":" + HexFormat.of().toHexDigits(new SecureRandom().nextLong());
    }

    /** What a guest is told to do. */
    interface Order {
        void give(Guest guest, Call call);
    }

    /** What the agent said last before it powered the guest off. */
    Optional<String> farewell() {
        return farewell;
    }

    /** The machine has ended, or is let go: whoever asks is told so. Idempotent. */
    void close() {
        scope.cancel();
        lock.lock();
        try {
            current.ifPresent(Guest::close);
            current = Optional.empty();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void happened(GuestEvent event) {
        switch (event) {
            case GuestEvent.Farewell last -> farewell = Optional.of(last.reason());
            case GuestEvent.OutOfMemory shortage -> shortages.accept(shortage);
            case GuestEvent.Exited exited -> {} // Wait tells it too, and after the output
            case GuestEvent.Unknown unknown ->
                    LOG.debug("Sandbox {}: an event of a newer agent.", owner);
        }
    }

    @Override
    public void lost(String why) {
        LOG.debug("Sandbox {}: the connection to the agent is gone: {}", owner, why);
    }

    private Guest connected(Call call) {
        Optional<Guest> open = openOrMine(call);
        return open.isPresent() ? open.get() : connect(call);
    }

    /**
     * The connection that there is; without one, the caller is the one to make it. Nobody holds the
     * lock meanwhile: a guest that never says hello holds up none but those who ask it, and these
     * no longer than their own time.
     */
    private Optional<Guest> openOrMine(Call call) {
        lock.lock();
        try {
            if (!CallScope.await(call, lock, changed, () -> !connecting)) {
                throw new DriverException(
                        FailureKind.DEADLINE_EXCEEDED,
                        "The agent of sandbox %s did not take a connection within the time given."
                                .formatted(owner));
            }
            if (current.filter(Guest::isOpen).isEmpty()) {
                current.ifPresent(Guest::close);
                current = Optional.empty();
                call.checkCancelled();
                connecting = true;
            }
            return current;
        } finally {
            lock.unlock();
        }
    }

    private Guest connect(Call call) {
        Optional<Guest> made = Optional.empty();
        try {
            made = Optional.of(guests.connect(owner, socket, this, call));
            return made.get();
        } finally {
            connected(made);
        }
    }

    private void connected(Optional<Guest> made) {
        lock.lock();
        try {
            connecting = false;
            current = made;
            if (scope.cancelled()) {
                current.ifPresent(Guest::close);
                current = Optional.empty();
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void pause(Call call) {
        lock.lock();
        try {
            CallScope.await(Bounded.within(PAUSE, call), lock, changed, () -> false);
        } finally {
            lock.unlock();
        }
        call.checkCancelled();
    }

    private DriverException over() {
        return new DriverException(
                FailureKind.UNAVAILABLE,
                "Sandbox %s has no running virtual machine any more.".formatted(owner));
    }
}
