// SPDX-License-Identifier: Apache-2.0
package io.hako.observability;

import io.hako.api.types.Call;
import io.hako.state.FrameworkPaths;
import io.hako.ttrpc.CallScope;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * The newest {@value #KEPT} events of this node, also those of daemons before this one. Who tells
 * never waits for who reads: a reader that is late finds the oldest gone, and how many.
 * Thread-safe.
 */
@Component(service = EventLog.class)
public final class EventLog implements AutoCloseable {
    /** Some hundred bytes each. */
    static final int KEPT = 1024;

    private static final int BATCH = 256;

    private final EventFile file;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition told = lock.newCondition();
    private final Deque<Told> kept = new ArrayDeque<>();
    private final Tally tally = new Tally();
    private long last;

    @Activate
    public EventLog(BundleContext context) {
        this(Path.of(FrameworkPaths.required(context, "hako.run")).resolve("events.jsonl"));
        tell(
                Event.of(Event.Subject.DAEMON, "start")
                        .with("version", context.getBundle().getVersion())
                        .with("epoch", FrameworkPaths.required(context, "hako.epoch"))
                        .with("pid", ProcessHandle.current().pid()));
    }

    /**
     * @param file what earlier daemons told, and this one will; made if it is missing
     */
    public EventLog(Path file) {
        this.file = new EventFile(file);
        this.file.read(KEPT).forEach(this::keep);
        this.file.rewrite(kept);
    }

    /**
     * A part of the log.
     *
     * @param lost how many events after the asked one are kept no more
     * @param next the number to ask after the next time
     */
    public record Batch(List<Told> events, long lost, long next) {
        public Batch {
            events = List.copyOf(events);
        }
    }

    /** Adds an event. Never blocks on a reader, and never fails. */
    public void tell(Event event) {
        lock.lock();
        try {
            Instant now = Instant.now();
            Instant at =
                    kept.isEmpty() || now.isAfter(kept.getLast().at()) ? now : kept.getLast().at();
            Told next = new Told(last + 1, at, event);
            keep(next);
            tally.add(event);
            file.append(next);
            if (file.lines() > 2 * KEPT) {
                file.rewrite(kept);
            }
            told.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * How often this daemon has told an event, and what it took.
     *
     * @return by type and event, each as people write it
     */
    public Map<String, Map<String, Durations>> counts() {
        lock.lock();
        try {
            Map<String, Map<String, Durations>> all = new TreeMap<>();
            tally.kinds()
                    .forEach(
                            (kind, count) ->
                                    all.computeIfAbsent(kind.type(), type -> new TreeMap<>())
                                            .put(kind.event(), count));
            return all;
        } finally {
            lock.unlock();
        }
    }

    /** After which to ask for what is told from now on. */
    public long last() {
        lock.lock();
        try {
            return last;
        } finally {
            lock.unlock();
        }
    }

    /** After which to ask for all that is kept since a moment. */
    public long before(Instant since) {
        lock.lock();
        try {
            return kept.stream()
                    .filter(event -> !event.at().isBefore(since))
                    .findFirst()
                    .map(event -> event.number() - 1)
                    .orElse(last);
        } finally {
            lock.unlock();
        }
    }

    /**
     * The events after one, in order; waits for one if there is none.
     *
     * @param after a number that this log gave; one of a log that is gone counts as {@link #last}
     * @param wait at most so long, and no longer than the call
     * @return without events if that is over first
     * @throws io.hako.api.types.DriverException CANCELLED if the caller gave up
     */
    public Batch read(long after, Duration wait, Call call) {
        Duration left = call.remaining();
        CallScope part = CallScope.within(left.compareTo(wait) < 0 ? left : wait);
        Call.Registration registration = call.onCancelled(part::cancel);
        lock.lock();
        try {
            long from = Math.clamp(after, 0, last);
            CallScope.await(part, lock, told, () -> last > from);
            long oldest = kept.isEmpty() ? last + 1 : kept.getFirst().number();
            List<Told> found =
                    kept.stream().filter(event -> event.number() > from).limit(BATCH).toList();
            long next = found.isEmpty() ? from : found.getLast().number();
            return new Batch(found, Math.max(0, oldest - from - 1), next);
        } finally {
            lock.unlock();
            registration.close();
        }
    }

    /** Closes the file and leaves it. */
    @Override
    @Deactivate
    public void close() {
        lock.lock();
        try {
            file.close();
        } finally {
            lock.unlock();
        }
    }

    private void keep(Told event) {
        kept.addLast(event);
        if (kept.size() > KEPT) {
            kept.removeFirst();
        }
        last = event.number();
    }
}
