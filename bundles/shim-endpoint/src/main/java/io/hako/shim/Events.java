// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import io.hako.api.types.OwnerId;
import io.hako.host.shim.ShimIdentity;
import io.hako.host.shim.Shims;
import io.hako.host.shim.Subscription;
import io.hako.sandbox.Sandboxes;
import io.hako.sandbox.TaskEvent;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** Tells containerd what happens to its tasks: an outbox a sandbox, a connection a containerd. */
final class Events implements AutoCloseable {
    private final Shims shims;
    private final Sandboxes sandboxes;
    private final Map<OwnerId, EventOutbox> outboxes = new ConcurrentHashMap<>();
    private final Map<String, EventSink> sinks = new ConcurrentHashMap<>();
    private final Subscription following;
    private final Thread tidying;

    Events(Shims shims, Sandboxes sandboxes) {
        this.shims = shims;
        this.sandboxes = sandboxes;
        this.following =
                sandboxes.follow(event -> withOutbox(event.sandbox(), box -> box.add(event)));
        tidying = Thread.ofVirtual().name("idle outboxes").start(this::tidy);
    }

    void linked(ShimIdentity shim) {
        withOutbox(shim.owner(), box -> box.linked(shim));
    }

    /** What waits is still told, and so is what is recorded of the shim's end from now on. */
    void lost(ShimIdentity shim) {
        Optional.ofNullable(outboxes.get(shim.owner())).ifPresent(EventOutbox::lost);
    }

    /** Drops the outboxes that have no shim any more and nothing to tell. */
    void dropIdle(Instant now) {
        outboxes.keySet()
                .forEach(
                        sandbox ->
                                outboxes.computeIfPresent(
                                        sandbox,
                                        (owner, box) -> isIdle(owner, box, now) ? null : box));
    }

    /** Sandboxes whose events have a way. */
    int size() {
        return outboxes.size();
    }

    /** Waits for what was told of a sandbox up to now to be heard. */
    void flush(OwnerId sandbox, Duration limit) {
        Optional.ofNullable(outboxes.get(sandbox)).ifPresent(box -> box.flush(limit));
    }

    @Override
    public void close() {
        following.close();
        tidying.interrupt();
        outboxes.values().forEach(EventOutbox::close);
        sinks.values().forEach(EventSink::close);
    }

    /** Not while it is dropped: what is put into it must be in the one that the next sees. */
    private void withOutbox(OwnerId sandbox, Consumer<EventOutbox> use) {
        outboxes.compute(
                sandbox,
                (owner, known) -> {
                    EventOutbox box = Optional.ofNullable(known).orElseGet(this::made);
                    use.accept(box);
                    return box;
                });
    }

    private EventOutbox made() {
        return new EventOutbox(
                address -> sinks.computeIfAbsent(address, EventSink::new), this::told);
    }

    private boolean isIdle(OwnerId sandbox, EventOutbox box, Instant now) {
        return box.isIdle(now) && shims.find(sandbox).isEmpty();
    }

    private void tidy() {
        try {
            while (true) {
                Thread.sleep(EventOutbox.IDLE);
                dropIdle(Instant.now());
            }
        } catch (InterruptedException e) { // closed
            Thread.currentThread().interrupt();
        }
    }

    private void told(TaskEvent event) {
        sandboxes.told(event);
    }
}
