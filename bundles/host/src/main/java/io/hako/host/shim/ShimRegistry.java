// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.ttrpc.CallScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.osgi.service.component.annotations.Component;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@link Shims} in memory. */
@Component(service = Shims.class)
public final class ShimRegistry implements Shims {
    private static final Logger LOG = LoggerFactory.getLogger(ShimRegistry.class);

    // Held while listeners are told, so that each sees the same order; never while anyone waits for
    // a shim.
    private final ReentrantLock telling = new ReentrantLock();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<OwnerId, Shim> shims = new LinkedHashMap<>();
    private final List<Listener> listeners = new CopyOnWriteArrayList<>();

    @Override
    public Optional<Shim> find(OwnerId sandbox) {
        lock.lock();
        try {
            return Optional.ofNullable(shims.get(sandbox));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Shim await(OwnerId sandbox, Call call) {
        lock.lock();
        try {
            if (!CallScope.await(call, lock, changed, () -> shims.containsKey(sandbox))) {
                throw new DriverException(
                        FailureKind.UNAVAILABLE,
                        "The shim of sandbox %s did not connect within the time given for it."
                                .formatted(sandbox));
            }
            return shims.get(sandbox);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Subscription listen(Listener listener) {
        telling.lock();
        try {
            listeners.add(listener);
            present().forEach(shim -> tell(() -> listener.appeared(shim)));
        } finally {
            telling.unlock();
        }
        return () -> listeners.remove(listener);
    }

    @Override
    public void add(Shim shim) {
        telling.lock();
        try {
            put(shim)
                    .ifPresent(
                            before ->
                                    listeners.forEach(
                                            listener -> tell(() -> listener.lost(before))));
            listeners.forEach(listener -> tell(() -> listener.appeared(shim)));
        } finally {
            telling.unlock();
        }
    }

    @Override
    public void remove(Shim shim) {
        telling.lock();
        try {
            if (take(shim)) {
                listeners.forEach(listener -> tell(() -> listener.lost(shim)));
            }
        } finally {
            telling.unlock();
        }
    }

    private List<Shim> present() {
        lock.lock();
        try {
            return List.copyOf(shims.values());
        } finally {
            lock.unlock();
        }
    }

    private Optional<Shim> put(Shim shim) {
        lock.lock();
        try {
            Optional<Shim> before = Optional.ofNullable(shims.put(shim.identity().owner(), shim));
            changed.signalAll();
            return before;
        } finally {
            lock.unlock();
        }
    }

    private boolean take(Shim shim) {
        lock.lock();
        try {
            return shims.remove(shim.identity().owner(), shim);
        } finally {
            lock.unlock();
        }
    }

    private static void tell(Runnable notice) {
        try {
            notice.run();
        } catch (RuntimeException e) {
            LOG.error("A listener failed on the coming or going of a shim", e);
        }
    }
}
