// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.host.shim.ShimIdentity;
import io.hako.sandbox.TaskEvent;
import io.hako.shim.proto.events.ForwardRequest;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Events of one sandbox on their way to containerd, one after the other, on a thread that there is
 * as long as something waits. An event that containerd does not take is tried again until it does.
 */
final class EventOutbox {
    private static final Logger LOG = LoggerFactory.getLogger(EventOutbox.class);

    /** Of a pod that nobody listens to, the newest. */
    static final int MOST_WAITING = 1024;

    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(2);
    private static final Duration LIMIT_OF_CALL = Duration.ofSeconds(5);
    private static final Duration LIFETIME = Duration.ofMinutes(10);

    /** Of an outbox that has nothing to tell; the end of its shim may be about to be recorded. */
    static final Duration IDLE = Duration.ofMinutes(1);

    private final Function<String, EventSink> sinks;
    private final Consumer<TaskEvent> told;
    private final CallScope life = CallScope.unlimited();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<TaskEvent> waiting = new ArrayDeque<>();
    private Optional<ShimIdentity> shim = Optional.empty();
    private Instant used = Instant.now();
    private boolean running;

    /**
     * @param sinks by containerd's address
     * @param told called once containerd has an event
     */
    EventOutbox(Function<String, EventSink> sinks, Consumer<TaskEvent> told) {
        this.sinks = sinks;
        this.told = told;
    }

    /** Returns at once. */
    void add(TaskEvent event) {
        lock.lock();
        try {
            if (waiting.size() == MOST_WAITING) {
                waiting.remove();
            }
            waiting.add(event);
            used = Instant.now();
            run();
        } finally {
            lock.unlock();
        }
    }

    /** From now on it is known where events go. */
    void linked(ShimIdentity identity) {
        lock.lock();
        try {
            shim = Optional.of(identity);
            used = Instant.now();
            run();
        } finally {
            lock.unlock();
        }
    }

    /** Its shim is gone, and perhaps comes back. */
    void lost() {
        lock.lock();
        try {
            used = Instant.now();
        } finally {
            lock.unlock();
        }
    }

    /** Whether, without a shim, nothing is to be expected of it any more. */
    boolean isIdle(Instant now) {
        lock.lock();
        try {
            return now.isAfter(used.plus(waiting.isEmpty() ? IDLE : LIFETIME)) && !running;
        } finally {
            lock.unlock();
        }
    }

    /** Waits until all is told; false if that did not come in time. */
    boolean flush(Duration limit) {
        lock.lock();
        try {
            return CallScope.await(
                    CallScope.within(limit), lock, changed, () -> waiting.isEmpty() || !running);
        } finally {
            lock.unlock();
        }
    }

    /** What waits is not told any more by this daemon. */
    void close() {
        life.cancel();
    }

    private void run() {
        if (!running && !waiting.isEmpty() && shim.isPresent()) {
            running = true;
            String name = "events " + shim.get().owner();
            Thread.ofVirtual().name(name).start(this::tellAll);
        }
    }

    private void tellAll() {
        for (Optional<TaskEvent> next = next(); next.isPresent(); next = next()) {
            tell(next.get());
        }
    }

    private Optional<TaskEvent> next() {
        lock.lock();
        try {
            Optional<TaskEvent> next =
                    Optional.ofNullable(waiting.peek()).filter(event -> !life.cancelled());
            running = next.isPresent();
            changed.signalAll();
            return next;
        } finally {
            lock.unlock();
        }
    }

    private void tell(TaskEvent event) {
        ShimIdentity identity = shim();
        // Of an earlier sandbox by the same id nobody is told any more, and the hako command has no
        // use for events: it asks.
        boolean done =
                Optional.of(identity)
                        .filter(linked -> linked.instance().equals(event.instance()))
                        .flatMap(ShimIdentity::eventsAddress)
                        .map(address -> forwarded(identity, address, event))
                        .orElse(false);
        lock.lock();
        try {
            waiting.remove(event);
        } finally {
            lock.unlock();
        }
        if (done) {
            note(event);
        }
    }

    /** What cannot be noted must not keep the events after it from being told. */
    private void note(TaskEvent event) {
        try {
            told.accept(event);
        } catch (RuntimeException e) {
            LOG.warn(
                    "Sandbox {}: it cannot be noted that containerd was told of event {}, which the"
                            + " next daemon tells once more: {}",
                    event.sandbox(),
                    event.number(),
                    e.getMessage());
        }
    }

    private boolean forwarded(ShimIdentity identity, String address, TaskEvent event) {
        ForwardRequest request = EventMessages.forward(identity.namespace(), event);
        Duration pause = FIRST_PAUSE;
        Instant end = event.at().plus(LIFETIME);
        while (!life.cancelled()) {
            try {
                sinks.apply(address)
                        .forward(identity.namespace(), request, CallScope.within(LIMIT_OF_CALL));
                return true;
            } catch (DriverException e) {
                boolean away =
                        e.failure() == FailureKind.UNAVAILABLE
                                || e.failure() == FailureKind.DEADLINE_EXCEEDED;
                if (!away || Instant.now().isAfter(end)) {
                    LOG.warn(
                            "Sandbox {}: containerd is not told of {}: {}",
                            event.sandbox(),
                            request.getEnvelope().getTopic(),
                            e.getMessage());
                    return true;
                }
            }
            pause(pause);
            pause =
                    pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0
                            ? pause.multipliedBy(2)
                            : LONGEST_PAUSE;
        }
        return false;
    }

    private ShimIdentity shim() {
        lock.lock();
        try {
            return shim.orElseThrow();
        } finally {
            lock.unlock();
        }
    }

    private void pause(Duration length) {
        lock.lock();
        try {
            CallScope.await(CallScope.within(length), lock, changed, life::cancelled);
        } finally {
            lock.unlock();
        }
    }
}
