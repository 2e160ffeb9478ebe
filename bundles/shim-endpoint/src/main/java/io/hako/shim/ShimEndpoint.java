// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import io.hako.api.types.OwnerId;
import io.hako.host.shim.Shim;
import io.hako.host.shim.Shims;
import io.hako.sandbox.Sandboxes;
import io.hako.ttrpc.CallScope;
import io.hako.ttrpc.UnixListener;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** Listens where shims connect, RUN/shims.sock, for as long as the component is active. */
@Component(service = {})
public final class ShimEndpoint implements LinkHost {
    private static final String SOCKET = "shims.sock";
    private static final Duration LIMIT_OF_STOP = Duration.ofSeconds(4);

    /** Shutdown has 3 s (containerd pkg/timeout io.containerd.timeout.shim.shutdown). */
    private static final Duration LIMIT_OF_FAREWELL = Duration.ofSeconds(1);

    private final Shims shims;
    private final TaskServices tasks;
    private final Events events;
    private final ReadyAnswers answers;
    private final long epoch;
    private final Map<ShimLink, Thread> links = new ConcurrentHashMap<>();
    private final Map<OwnerId, ShimLink> current = new ConcurrentHashMap<>();
    private final UnixListener listener;

    @Activate
    public ShimEndpoint(
            BundleContext context, @Reference Shims shims, @Reference Sandboxes sandboxes) {
        this(
                Path.of(property(context, "hako.run")),
                Long.parseLong(property(context, "hako.epoch")),
                shims,
                sandboxes);
    }

    ShimEndpoint(Path runDirectory, long epoch, Shims shims, Sandboxes sandboxes) {
        this.shims = shims;
        this.events = new Events(shims, sandboxes);
        this.answers = new ReadyAnswers(shims, sandboxes);
        this.tasks = new TaskServices(sandboxes, owner -> events.flush(owner, LIMIT_OF_FAREWELL));
        this.epoch = epoch;
        this.listener = UnixListener.listen(runDirectory.resolve(SOCKET), this::accept);
    }

    private static String property(BundleContext context, String name) {
        return Optional.ofNullable(context.getProperty(name))
                .orElseThrow(
                        () ->
                                new IllegalStateException(
                                        "The framework property %s is not set.".formatted(name)));
    }

    private void accept(SocketChannel socket) {
        ShimLink link = new ShimLink(socket, this);
        Thread thread =
                Thread.ofVirtual()
                        .name("shim-link")
                        .unstarted(
                                () -> {
                                    link.serve();
                                    links.remove(link);
                                });
        links.put(link, thread);
        thread.start();
    }

    @Override
    public long epoch() {
        return epoch;
    }

    @Override
    public TaskServices tasks() {
        return tasks;
    }

    @Override
    public void linked(Shim shim, ShimLink link) {
        // A shim has one link: another one of the same sandbox belongs to a process that is gone,
        // or is about to end.
        Optional.ofNullable(current.put(shim.identity().owner(), link)).ifPresent(ShimLink::close);
        shims.add(shim);
        events.linked(shim.identity());
        answers.changed(shim.identity().owner());
    }

    @Override
    public void lost(Shim shim, ShimLink link) {
        current.remove(shim.identity().owner(), link);
        shims.remove(shim);
        events.lost(shim.identity());
        answers.lost(shim.identity().owner());
    }

    /**
     * Stops listening, ends all links, and waits up to 4 s for what runs on them. Shims connect
     * again to the next daemon.
     */
    @Deactivate
    void stop() {
        listener.close();
        events.close();
        answers.close();
        Map<ShimLink, Thread> ending = Map.copyOf(links);
        ending.keySet().forEach(ShimLink::close);
        CallScope limit = CallScope.within(LIMIT_OF_STOP);
        try {
            for (Thread thread : List.copyOf(ending.values())) {
                thread.join(limit.remaining());
            }
            for (ShimLink link : ending.keySet()) {
                link.join(limit.remaining());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
