// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.NetworkNamespace;
import io.hako.guest.GuestNetwork;
import io.hako.host.NetworkWatch;
import io.hako.state.MachinePhase;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the guest's network as the pod's namespace is: hears that something changed there, reads
 * all of it, and tells the guest if that is not what it was told last. What fails is tried again
 * with growing pauses. Thread-safe.
 */
final class NetworkFollower implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NetworkFollower.class);
    private static final Duration LIMIT = Duration.ofSeconds(10);

    /** Changes come in groups: an address with its routes, a link with its addresses. */
    private static final Duration GROUP = Duration.ofMillis(50);

    private final Pod pod;
    private final CallScope life = CallScope.unlimited();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition rung = lock.newCondition();
    private Optional<NetworkWatch> watch = Optional.empty();
    private boolean changed;
    private boolean closed;
    private volatile Optional<GuestNetwork> told = Optional.empty();
    private volatile List<String> left = List.of();
    private volatile String failure = "";

    NetworkFollower(Pod pod) {
        this.pod = pod;
    }

    /**
     * Begins if the pod has interfaces, with a first look: what changed since the namespace was
     * last read is brought too.
     *
     * @param last what the guest is known to have; absent: it is told in any case
     */
    void start(Optional<GuestNetwork> last, Call call) {
        Optional<NetworkNamespace> network = NetworkRefresh.network(pod, call);
        if (network.isPresent()) {
            told = last;
            start(network.get(), call);
        }
    }

    private void start(NetworkNamespace network, Call call) {
        NetworkWatch begun = pod.node().machine().watch(network, this::ring, call);
        lock.lock();
        try {
            if (closed || watch.isPresent()) {
                begun.close();
                return;
            }
            watch = Optional.of(begun);
            changed = true;
        } finally {
            lock.unlock();
        }
        Thread.ofVirtual().name("network " + pod.owner()).start(() -> follow(network));
    }

    /**
     * Reads the namespace and brings the guest in line with it.
     *
     * @throws DriverException as the namespace, the driver or the guest failed; the guest has what
     *     it had then, or a part of the new
     */
    void bring(NetworkNamespace network, Call call) {
        pod.locked(
                () -> {
                    if (pod.phase() == MachinePhase.RUNNING) {
                        NetworkRefresh.Result now = NetworkRefresh.run(pod, network, call);
                        say(now.left());
                        tell(now.guest(), call);
                    }
                    return true;
                });
    }

    private void tell(GuestNetwork wanted, Call call) {
        if (!told.equals(Optional.of(wanted))) {
            told = Optional.empty();
            pod.guest().tell(call, (guest, within) -> guest.configureNetwork(wanted, within));
            told = Optional.of(wanted);
            LOG.info("Sandbox {}: the guest's network is as the namespace is now.", pod.owner());
        }
    }

    /** Each once, as long as it holds. */
    private void say(List<String> now) {
        now.stream()
                .filter(sentence -> !left.contains(sentence))
                .forEach(sentence -> LOG.warn("Sandbox {}: {}", pod.owner(), sentence));
        left = now;
    }

    /** Nothing is brought any more, and the namespace is let go. Idempotent. */
    @Override
    public void close() {
        life.cancel();
        lock.lock();
        try {
            closed = true;
            watch.ifPresent(NetworkWatch::close);
            watch = Optional.empty();
            rung.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void ring() {
        lock.lock();
        try {
            changed = true;
            rung.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void follow(NetworkNamespace network) {
        int failures = 0;
        while (awaitChange()) {
            if (brought(network)) {
                failures = 0;
            } else {
                failures++;
                if (!pod.node().retries().pause(failures)) {
                    return;
                }
                ring();
            }
        }
    }

    private boolean awaitChange() {
        lock.lock();
        try {
            while (!changed && !closed) {
                rung.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
        pause();
        lock.lock();
        try {
            changed = false;
            return !closed;
        } finally {
            lock.unlock();
        }
    }

    private void pause() {
        lock.lock();
        try {
            CallScope.await(CallScope.within(GROUP), lock, rung, () -> closed);
        } finally {
            lock.unlock();
        }
    }

    private boolean brought(NetworkNamespace network) {
        try {
            bring(network, Bounded.within(LIMIT, life));
            failure = "";
            return true;
        } catch (DriverException e) {
            if (!life.cancelled() && !failure.equals(e.getMessage())) {
                failure = e.getMessage();
                LOG.warn(
                        "Sandbox {}: its network changed, and the guest could not follow yet, which is tried again: {}",
                        pod.owner(),
                        failure);
            }
            return false;
        }
    }
}
