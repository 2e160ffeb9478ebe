// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ToLongFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows a peer's numbered events by a call that the peer answers when it has some: each asks for
 * those after the last one handed on, which acknowledges that one and all before it. So an event is
 * handed on at least once, in order, whatever breaks.
 *
 * @param <E> the event
 */
public final class EventPump<E> implements AutoCloseable {
    /**
     * Asks the peer; blocks until there are events, or the peer answers that there are none for
     * now.
     */
    @FunctionalInterface
    public interface Source<E> {
        List<E> later(long after, Call call);
    }

    private static final Logger LOG = LoggerFactory.getLogger(EventPump.class);
    private static final Duration PAUSE_AFTER_NOTHING = Duration.ofSeconds(1);

    private final String name;
    private final Source<E> source;
    private final ToLongFunction<E> sequence;
    private final Consumer<E> receiver;
    private final Consumer<DriverException> failed;
    private final CallScope scope = CallScope.unlimited();

    /**
     * @param name for logs and the thread's name
     * @param receiver called on the pump's virtual thread, one event at a time
     * @param failed told once, on that thread, why the pump ended; not after {@link #close()}
     */
    public EventPump(
            String name,
            Source<E> source,
            ToLongFunction<E> sequence,
            Consumer<E> receiver,
            Consumer<DriverException> failed) {
        this.name = name;
        this.source = source;
        this.sequence = sequence;
        this.receiver = receiver;
        this.failed = failed;
        Thread.ofVirtual().name("events " + name).start(this::run);
    }

    private void run() {
        long last = 0;
        try {
            while (!scope.cancelled()) {
                List<E> events = source.later(last, scope);
                for (E event : events) {
                    last = next(last, event);
                    hand(event);
                }
                pauseIf(events.isEmpty());
            }
        } catch (DriverException e) {
            if (!scope.cancelled()) {
                failed.accept(e);
            }
        }
    }

    private long next(long last, E event) {
        long number = sequence.applyAsLong(event);
        if (number <= last) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "%s sent event %d after event %d.".formatted(name, number, last));
        }
        return number;
    }

    private void hand(E event) {
        try {
            receiver.accept(event);
        } catch (RuntimeException e) {
            LOG.error("{}: event {} could not be handled", name, event, e);
        }
    }

    /** A peer that answers "nothing" at once, over and over, must not keep a processor busy. */
    private void pauseIf(boolean nothingCame) {
        if (nothingCame) {
            try {
                Thread.sleep(PAUSE_AFTER_NOTHING);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                scope.cancel();
            }
        }
    }

    /** Ends the parked call, and soon the thread, which may be handing an event on still. */
    @Override
    public void close() {
        scope.cancel();
    }
}
