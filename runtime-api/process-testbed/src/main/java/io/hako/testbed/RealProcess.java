// SPDX-License-Identifier: Apache-2.0
package io.hako.testbed;

import com.sun.jna.LastErrorException;
import com.sun.jna.Memory;
import com.sun.jna.StringArray;
import com.sun.jna.ptr.IntByReference;
import io.hako.api.driver.ProcessSpec;
import io.hako.api.driver.SupervisedProcess;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** A child of the test's own process, with nothing but the descriptors that it was given. */
final class RealProcess implements SupervisedProcess {
    /** More than sizeof(posix_spawn_file_actions_t) of any C library. */
    private static final int ACTIONS_SIZE = 256;

    private static final int ESRCH = 3;

    private final Libc libc;
    private final ProcessSpec spec;
    private final int pid;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private Optional<ExitStatus> exit = Optional.empty();

    private RealProcess(Libc libc, ProcessSpec spec, int pid) {
        this.libc = libc;
        this.spec = spec;
        this.pid = pid;
    }

    /**
     * @param files the descriptors of the spec's files, in their order
     */
    static RealProcess start(Libc libc, ProcessSpec spec, List<Integer> files) {
        int[] pipe = new int[2];
        libc.pipe2(pipe, Libc.O_CLOEXEC);
        int nothing = libc.open("/dev/null", Libc.O_RDWR | Libc.O_CLOEXEC);
        try {
            RealProcess process =
                    new RealProcess(libc, spec, spawn(libc, spec, files, nothing, pipe[1]));
            Thread.ofPlatform()
                    .daemon()
                    .name("output of " + spec.role())
                    .start(() -> process.collect(pipe[0]));
            return process;
        } finally {
            libc.close(nothing);
            libc.close(pipe[1]);
        }
    }

    private static int spawn(
            Libc libc, ProcessSpec spec, List<Integer> files, int input, int output) {
        try (Memory actions = new Memory(ACTIONS_SIZE)) {
            libc.posix_spawn_file_actions_init(actions);
            libc.posix_spawn_file_actions_adddup2(actions, input, 0);
            libc.posix_spawn_file_actions_adddup2(actions, output, 1);
            libc.posix_spawn_file_actions_adddup2(actions, output, 2);
            for (int i = 0; i < files.size(); i++) {
                libc.posix_spawn_file_actions_adddup2(
                        actions, files.get(i), ProcessSpec.FIRST_FILE + i);
            }
            libc.posix_spawn_file_actions_addclosefrom_np(
                    actions, ProcessSpec.FIRST_FILE + files.size());
            String[] environment =
                    spec.environment().entrySet().stream()
                            .map(e -> e.getKey() + "=" + e.getValue())
                            .toArray(String[]::new);
            IntByReference pid = new IntByReference();
            String program = spec.command().getFirst();
            int error =
                    libc.posix_spawn(
                            pid,
                            program,
                            actions,
                            null,
                            new StringArray(spec.command().toArray(String[]::new)),
                            new StringArray(environment));
            libc.posix_spawn_file_actions_destroy(actions);
            if (error != 0) {
                throw new DriverException(
                        FailureKind.NOT_FOUND,
                        "The program %s could not be started (error %d)."
                                .formatted(program, error));
            }
            return pid.getValue();
        }
    }

    private void collect(int pipe) {
        byte[] buffer = new byte[8192];
        for (long read = libc.read(pipe, buffer, buffer.length);
                read > 0;
                read = libc.read(pipe, buffer, buffer.length)) {
            keep(buffer, (int) read);
        }
        libc.close(pipe);
        reap();
    }

    private void keep(byte[] bytes, int length) {
        lock.lock();
        try {
            output.write(bytes, 0, length);
        } finally {
            lock.unlock();
        }
    }

    private void reap() {
        IntByReference status = new IntByReference();
        libc.waitpid(pid, status, 0);
        int signal = status.getValue() & 0x7f;
        lock.lock();
        try {
            exit =
                    Optional.of(
                            signal == 0
                                    ? new ExitStatus.Exited(status.getValue() >> 8 & 0xff)
                                    : new ExitStatus.Signalled(signal));
            changed.signalAll();
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
        // Not after it was reaped: the number may be another's by then.
        lock.lock();
        try {
            if (exit.isEmpty()) {
                libc.kill(pid, signal);
            }
        } catch (LastErrorException e) {
            if (e.getErrorCode() == ESRCH) {
                return; // It was reaped, and its status is about to be noted.
            }
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "Process %d could not be killed: %s.".formatted(pid, e.getMessage()));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public byte[] output() {
        lock.lock();
        try {
            byte[] all = output.toByteArray();
            return Arrays.copyOfRange(
                    all, Math.max(0, all.length - (int) spec.outputKept().bytes()), all.length);
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
