// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.SupervisedProcess;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.host.shim.Shim;
import io.hako.host.shim.ShimEvent;
import io.hako.host.shim.ShimProcess;
import io.hako.host.shim.Subscription;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A process as the shim knows it. Nothing is remembered here but what it is: the shim is asked each
 * time.
 */
record ShimBackedProcess(ShimLink link, String role, int number) implements SupervisedProcess {
    /**
     * After so long without a word the shim is asked again: its link may have been replaced
     * meanwhile.
     */
    private static final Duration ASK_AGAIN = Duration.ofSeconds(1);

    ShimBackedProcess(ShimLink link, ShimProcess process) {
        this(link, process.role(), process.pid());
    }

    static Optional<ShimProcess> find(Shim shim, String role, Call call) {
        return shim.processes(call).stream()
                .filter(process -> process.role().equals(role))
                .findFirst();
    }

    @Override
    public long pid() {
        return number;
    }

    @Override
    public Optional<ExitStatus> exit() {
        return status(link.now(), ShimLink.shortCall());
    }

    @Override
    public ExitStatus awaitExit(Call call) {
        Optional<ExitStatus> status = Optional.empty();
        while (status.isEmpty()) {
            call.checkCancelled();
            status = awaitOnce(link.await(call), call);
        }
        return status.get();
    }

    /** Waits on one link, not for ever. */
    private Optional<ExitStatus> awaitOnce(Shim shim, Call call) {
        ReentrantLock lock = new ReentrantLock();
        Condition ended = lock.newCondition();
        boolean[] seen = {false};
        try (Subscription _ =
                shim.subscribe(
                        event -> {
                            if (event instanceof ShimEvent.ProcessExited exited
                                    && exited.process().role().equals(role)) {
                                lock.lock();
                                try {
                                    seen[0] = true;
                                    ended.signalAll();
                                } finally {
                                    lock.unlock();
                                }
                            }
                        })) {
            Optional<ExitStatus> already = status(shim, call);
            if (already.isPresent()) {
                return already;
            }
            lock.lock();
            try (CallPart part = CallPart.of(call, ASK_AGAIN)) {
                CallScope.await(part.call(), lock, ended, () -> seen[0]);
            } finally {
                lock.unlock();
            }
            return status(shim, call);
        }
    }

    private Optional<ExitStatus> status(Shim shim, Call call) {
        ShimProcess process =
                find(shim, role, call)
                        .filter(p -> p.pid() == number)
                        .orElseThrow(
                                () ->
                                        new DriverException(
                                                FailureKind.NOT_FOUND,
                                                "Process %s of sandbox %s was forgotten."
                                                        .formatted(role, link.owner())));
        return process.end().map(ShimProcess.End::status);
    }

    @Override
    public void kill(int signal) {
        try {
            link.now().signal(role, signal, ShimLink.shortCall());
        } catch (DriverException e) {
            if (e.failure() != FailureKind.NOT_FOUND) {
                throw e;
            }
        }
    }

    @Override
    public byte[] output() {
        return link.now().output(role, ShimLink.shortCall()).newest();
    }
}
