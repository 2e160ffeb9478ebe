// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.host.shim.ShimProcess;
import io.hako.ttrpc.CallScope;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** The machine's monitor process, and its end, which the shim alone knows. Thread-safe. */
final class Monitor {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private String role = "";
    private int pid;
    private Optional<ShimProcess> ended = Optional.empty();
    private Optional<String> blame = Optional.empty();

    /** From now on the machine is the process of this role. */
    void is(String monitorRole) {
        lock.lock();
        try {
            role = monitorRole;
        } finally {
            lock.unlock();
        }
    }

    /**
     * The shim tells of processes, perhaps of the same ones again.
     *
     * @return the monitor, if it has ended and this was not known before
     */
    Optional<ShimProcess> seen(List<ShimProcess> processes) {
        lock.lock();
        try {
            Optional<ShimProcess> mine =
                    processes.stream().filter(p -> p.role().equals(role)).findFirst();
            mine.ifPresent(p -> pid = p.pid());
            boolean news = ended.isEmpty() && mine.flatMap(ShimProcess::end).isPresent();
            ended = news ? mine : ended;
            changed.signalAll();
            return news ? ended : Optional.empty();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Another process took the machine with it, which is to be said when the monitor has ended; the
     * first one counts.
     */
    void blame(String cause) {
        lock.lock();
        try {
            blame = ended.isEmpty() && blame.isEmpty() ? Optional.of(cause) : blame;
        } finally {
            lock.unlock();
        }
    }

    Optional<String> blame() {
        lock.lock();
        try {
            return blame;
        } finally {
            lock.unlock();
        }
    }

    /** Empty until {@link #is}. */
    String role() {
        lock.lock();
        try {
            return role;
        } finally {
            lock.unlock();
        }
    }

    /** 0 as long as none was seen. */
    int pid() {
        lock.lock();
        try {
            return pid;
        } finally {
            lock.unlock();
        }
    }

    Optional<ShimProcess> ended() {
        lock.lock();
        try {
            return ended;
        } finally {
            lock.unlock();
        }
    }

    /**
     * @return false if it has not ended within the call's time
     */
    boolean awaitEnd(Call call) {
        lock.lock();
        try {
            return CallScope.await(call, lock, changed, () -> ended.isPresent());
        } finally {
            lock.unlock();
        }
    }
}
