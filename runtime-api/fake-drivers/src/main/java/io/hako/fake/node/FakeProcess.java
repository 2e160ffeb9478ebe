// SPDX-License-Identifier: Apache-2.0
package io.hako.fake.node;

import io.hako.api.driver.ProcessSpec;
import io.hako.api.driver.SupervisedProcess;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Names;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A process that only the node's table knows: it ends when it is sent a deadly signal, or when a
 * test says so.
 */
public final class FakeProcess implements SupervisedProcess {
    private static final int SIGTERM = 15;
    private static final int SIGKILL = 9;

    private final ProcessSpec spec;
    private final long pid;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private Optional<ExitStatus> exit = Optional.empty();

    FakeProcess(ProcessSpec spec, long pid) {
        this.spec = spec;
        this.pid = pid;
    }

    /** As it was launched. */
    public ProcessSpec spec() {
        return spec;
    }

    /** The process ends by itself; one that has ended stays as it is. */
    public void end(ExitStatus status) {
        lock.lock();
        try {
            if (exit.isEmpty()) {
                exit = Optional.of(status);
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** The process writes to its standard output. */
    public void print(byte[] bytes) {
        lock.lock();
        try {
            output.writeBytes(bytes);
        } finally {
            lock.unlock();
        }
    }

    @Override
    public String role() {
        return spec.role();
    }

    @Override
    public long pid() {
        return pid;
    }

    @Override
    public Optional<ExitStatus> exit() {
        lock.lock();
        try {
            return exit;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public ExitStatus awaitExit(Call call) {
        lock.lock();
        try (Call.Registration _ = call.onCancelled(this::wake)) {
            while (exit.isEmpty()) {
                call.checkCancelled();
                changed.await(call.remaining().toNanos(), TimeUnit.NANOSECONDS);
            }
            return exit.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DriverException(
                    FailureKind.CANCELLED,
                    "The wait for process %s was interrupted.".formatted(role()));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void kill(int signal) {
        Names.within("A signal", signal, 1, 64);
        if (signal == SIGKILL || signal == SIGTERM) {
            end(new ExitStatus.Signalled(signal));
        }
    }

    @Override
    public byte[] output() {
        lock.lock();
        try {
            byte[] all = output.toByteArray();
            int kept = (int) spec.outputKept().bytes();
            return Arrays.copyOfRange(all, Math.max(0, all.length - kept), all.length);
        } finally {
            lock.unlock();
        }
    }

    private void wake() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
