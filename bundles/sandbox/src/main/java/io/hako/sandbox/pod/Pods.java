// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.host.shim.Shim;
import io.hako.host.shim.ShimEvent;
import io.hako.host.shim.ShimIdentity;
import io.hako.host.shim.Shims;
import io.hako.host.shim.Subscription;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.SandboxView;
import io.hako.sandbox.TaskEvent;
import io.hako.state.Entry;
import io.hako.state.SandboxJournal;
import io.hako.ttrpc.CallScope;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The pods of this node, and their ties to their shims. Thread-safe. */
final class Pods implements Shims.Listener, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Pods.class);
    private static final Duration CHECK_LIMIT = Duration.ofSeconds(10);
    private static final Duration GLANCE = Duration.ofMillis(100);
    private static final String DEAD = "Its shim ended, and its virtual machine with it.";

    private final Node node;
    private final Map<OwnerId, Pod> pods = new ConcurrentHashMap<>();
    private final Map<OwnerId, String> unreadable = new ConcurrentHashMap<>();
    private final Addresses addresses;
    private final ReentrantLock following = new ReentrantLock();
    private final List<Follower> followers = new CopyOnWriteArrayList<>();
    private final Subscription shims;

    /** Begins to take up what the journals say; returns before that is done. */
    Pods(Node node) {
        this.node = node;
        addresses =
                new Addresses(
                        node.settings().veth().range(),
                        () -> pods.values().stream().map(Pod::record));
        node.store().list().forEach(this::reopen);
        shims = node.shims().listen(this);
        pods.values()
                .forEach(
                        pod ->
                                Thread.ofVirtual()
                                        .name("adopt " + pod.owner())
                                        .start(new Adoption(pod)::run));
    }

    /**
     * @throws DriverException NOT_FOUND; or when it is not ready within the call's time
     */
    Pod get(OwnerId owner, Call call) {
        Pod pod = Optional.ofNullable(pods.get(owner)).orElseThrow(() -> none(owner));
        pod.awaitReady(call);
        if (pod.isGone()) {
            throw none(owner);
        }
        return pod;
    }

    Optional<Pod> find(OwnerId owner) {
        return Optional.ofNullable(pods.get(owner)).filter(pod -> !pod.isGone());
    }

    /** The pod, made if there is none. */
    Pod getOrBegin(OwnerId owner, Path bundle, Call call) {
        while (true) {
            ShimIdentity shim = node.shims().await(owner, call).identity();
            Pod pod = made(owner, shim, bundle);
            pod.awaitReady(call);
            if (!pod.isGone()) {
                return pod;
            }
        }
    }

    /** Under the lock, so that each follower gets to know it once. */
    private Pod made(OwnerId owner, ShimIdentity shim, Path bundle) {
        following.lock();
        try {
            return pods.computeIfAbsent(owner, key -> followed(begin(shim, bundle)));
        } finally {
            following.unlock();
        }
    }

    /** As {@link io.hako.sandbox.Sandboxes#follow}. */
    Subscription follow(Consumer<TaskEvent> receiver) {
        Follower follower = new Follower(receiver, new ConcurrentHashMap<>());
        following.lock();
        try {
            followers.add(follower);
            all().forEach(follower::follow);
        } finally {
            following.unlock();
        }
        return () -> {
            following.lock();
            try {
                followers.remove(follower);
                follower.close();
            } finally {
                following.unlock();
            }
        };
    }

    /** Has a new pod followed, too. */
    private Pod followed(Pod pod) {
        followers.forEach(each -> each.follow(pod));
        return pod;
    }

    /** One who follows all pods, and what ends that at each. */
    private record Follower(
            Consumer<TaskEvent> receiver, Map<Pod, SandboxJournal.Following> followed) {
        void follow(Pod pod) {
            followed.put(pod, pod.journal().follow(new TaskEvents(pod.journal(), receiver)));
        }

        void close() {
            followed.values().forEach(SandboxJournal.Following::close);
        }
    }

    Stream<Pod> all() {
        return pods.values().stream().filter(pod -> !pod.isGone());
    }

    /** Sandboxes whose journal this hako cannot read: shown, left alone. */
    List<SandboxView> unreadable() {
        return unreadable.entrySet().stream()
                .map(
                        e ->
                                new SandboxView(
                                        e.getKey(),
                                        e.getKey().namespace(),
                                        e.getKey().id(),
                                        "",
                                        "",
                                        SandboxView.State.QUARANTINED,
                                        Instant.EPOCH,
                                        List.of(),
                                        Map.of(),
                                        0,
                                        Optional.empty(),
                                        e.getValue()))
                .toList();
    }

    @Override
    public void appeared(Shim shim) {
        find(shim.identity().owner()).ifPresent(pod -> tie(pod, shim));
    }

    @Override
    public void lost(Shim shim) {
        find(shim.identity().owner())
                .ifPresent(
                        pod ->
                                Thread.ofVirtual()
                                        .name("check " + pod.owner())
                                        .start(() -> check(pod)));
    }

    /** Lets everything go and leaves it running. */
    @Override
    public void close() {
        shims.close();
        node.retries().close();
        pods.values()
                .forEach(
                        pod -> {
                            pod.life().cancel();
                            pod.disconnect();
                            pod.drivers().close();
                        });
    }

    private void reopen(OwnerId owner) {
        try {
            node.store()
                    .open(owner)
                    .ifPresent(
                            journal ->
                                    pods.put(
                                            owner,
                                            new Pod(
                                                    node,
                                                    journal,
                                                    node.pods().resolve(owner.toString()),
                                                    addresses,
                                                    this::forget)));
        } catch (DriverException e) {
            LOG.error("Sandbox {}: quarantined: {}", owner, e.getMessage());
            unreadable.put(owner, e.getMessage());
        }
    }

    private void forget(Pod gone) {
        pods.remove(gone.owner(), gone);
        followers.forEach(each -> each.followed().remove(gone));
    }

    private Pod begin(ShimIdentity shim, Path bundle) {
        Entry.Sandbox facts =
                new Entry.Sandbox(
                        Entry.SCHEMA,
                        shim.namespace(),
                        shim.sandboxId(),
                        bundle.toString(),
                        shim.instance(),
                        Instant.now());
        SandboxJournal journal = node.store().create(shim.owner(), facts);
        Pod pod = new Pod(node, journal, shim.podDirectory(), addresses, this::forget);
        node.shims().find(shim.owner()).ifPresent(linked -> tie(pod, linked));
        pod.ready();
        return pod;
    }

    /**
     * From now on the pod hears of its processes; also of those that ended while nobody listened.
     */
    private void tie(Pod pod, Shim shim) {
        pod.shimIdentity(shim.identity());
        shim.subscribe(
                event -> {
                    if (event instanceof ShimEvent.ProcessExited exited) {
                        Thread.ofVirtual()
                                .name("exit " + exited.process().role())
                                .start(() -> new MachineEnd(pod).seen(List.of(exited.process())));
                    }
                    if (event instanceof ShimEvent.StreamFailed failed) {
                        LOG.warn(
                                "Sandbox {}: a stream of {} failed: {}",
                                pod.owner(),
                                new ProcessId(
                                        failed.process().container(), failed.process().exec()),
                                failed.sentence());
                    }
                });
        Thread.ofVirtual().name("processes " + pod.owner()).start(() -> catchUp(pod, shim));
    }

    private void catchUp(Pod pod, Shim shim) {
        try {
            new MachineEnd(pod).seen(shim.processes(CallScope.within(CHECK_LIMIT)));
        } catch (DriverException e) {
            LOG.debug("Sandbox {}: {}", pod.owner(), e.getMessage());
        }
    }

    /** A link that is lost comes back; a shim that is dead has taken the machine with it. */
    private void check(Pod pod) {
        pod.awaitReady(CallScope.unlimited());
        if (pod.isGone() || comesBack(pod)) {
            return;
        }
        LOG.error("Sandbox {}: {}", pod.owner(), DEAD);
        new MachineEnd(pod).withItsShim(DEAD);
        pod.removal().run();
    }

    /**
     * A shim that is killed loses its link a moment before nobody listens at its socket any more.
     */
    private boolean comesBack(Pod pod) {
        while (!isLinked(pod) && !pod.life().cancelled()) {
            boolean succeeded = node.shims().find(pod.owner()).isPresent();
            if (succeeded || !node.remains().shimLives(pod.directory())) {
                return false;
            }
            try {
                node.shims().await(pod.owner(), Bounded.within(GLANCE, pod.life()));
            } catch (DriverException e) {
                LOG.debug("Sandbox {}: {}", pod.owner(), e.getMessage());
            }
        }
        return true;
    }

    /** By its own shim, and not by that of a later sandbox with its id. */
    private boolean isLinked(Pod pod) {
        return node.shims()
                .find(pod.owner())
                .map(shim -> shim.identity().instance())
                .filter(pod.record().identity().instance()::equals)
                .isPresent();
    }

    private static DriverException none(OwnerId owner) {
        return new DriverException(
                FailureKind.NOT_FOUND, "There is no sandbox %s.".formatted(owner));
    }
}
