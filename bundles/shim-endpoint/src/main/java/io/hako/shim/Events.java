// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import io.hako.api.types.OwnerId;
import io.hako.host.shim.ShimIdentity;
import io.hako.host.shim.Subscription;
import io.hako.sandbox.Sandboxes;
import io.hako.sandbox.TaskEvent;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Tells containerd what happens to its tasks: an outbox a sandbox, a connection a containerd. */
final class Events implements AutoCloseable {
    private final Sandboxes sandboxes;
    private final Map<OwnerId, EventOutbox> outboxes = new ConcurrentHashMap<>();
    private final Map<String, EventSink> sinks = new ConcurrentHashMap<>();
    private final Subscription following;

    Events(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
        this.following = sandboxes.follow(event -> outbox(event.sandbox()).add(event));
    }

    void linked(ShimIdentity shim) {
        outbox(shim.owner()).linked(shim);
    }

    /** What waits is still told. */
    void lost(ShimIdentity shim) {
        outboxes.computeIfPresent(shim.owner(), (owner, box) -> box.isEmpty() ? null : box);
    }

    /** Waits for what was told of a sandbox up to now to be heard. */
    void flush(OwnerId sandbox, Duration limit) {
        outbox(sandbox).flush(limit);
    }

    @Override
    public void close() {
        following.close();
        outboxes.values().forEach(EventOutbox::close);
        sinks.values().forEach(EventSink::close);
    }

    private EventOutbox outbox(OwnerId sandbox) {
        return outboxes.computeIfAbsent(
                sandbox,
                owner ->
                        new EventOutbox(
                                address -> sinks.computeIfAbsent(address, EventSink::new),
                                this::told));
    }

    private void told(TaskEvent event) {
        sandboxes.told(event);
    }
}
