// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.ttrpc.CallScope;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Whether verbs may begin on a pod: not while it is taken up again, nor while what a dead shim left
 * is taken away. What is gone is ready, so that whoever waited finds it so.
 */
final class Readiness {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private boolean ready;
    private boolean gone;

    void ready() {
        change(() -> ready = true);
    }

    void notReady() {
        change(() -> ready = false);
    }

    void gone() {
        change(
                () -> {
                    ready = true;
                    gone = true;
                });
    }

    boolean isGone() {
        lock.lock();
        try {
            return gone;
        } finally {
            lock.unlock();
        }
    }

    /** Returns whether verbs may begin, as soon as they may or the call's time is over. */
    boolean await(Call call) {
        lock.lock();
        try {
            return CallScope.await(call, lock, changed, () -> ready);
        } finally {
            lock.unlock();
        }
    }

    private void change(Runnable change) {
        lock.lock();
        try {
            change.run();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
