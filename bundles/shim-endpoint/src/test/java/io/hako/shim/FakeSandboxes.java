// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.guest.CgroupFigures;
import io.hako.host.shim.Subscription;
import io.hako.sandbox.Connection;
import io.hako.sandbox.CreateTask;
import io.hako.sandbox.DebugSession;
import io.hako.sandbox.DebugTask;
import io.hako.sandbox.ExecTask;
import io.hako.sandbox.Overhead;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.ProcessState;
import io.hako.sandbox.RequestKey;
import io.hako.sandbox.SandboxView;
import io.hako.sandbox.Sandboxes;
import io.hako.sandbox.StdioPaths;
import io.hako.sandbox.TaskEvent;
import io.hako.sandbox.TaskPid;
import io.hako.ttrpc.CallScope;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/** Containers that exist in memory alone: they run until they are killed. */
final class FakeSandboxes implements Sandboxes {
    static final int PID = 4711;
    static final Instant ENDED_AT = Instant.ofEpochSecond(1_700_000_000, 5);
    private static final int SIGNALLED = 128;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<ProcessId, ProcessState> processes = new LinkedHashMap<>();
    private final BlockingQueue<String> calls = new LinkedBlockingQueue<>();
    private final BlockingQueue<RequestKey> keys = new LinkedBlockingQueue<>();
    private final BlockingQueue<FailureKind> endsOfWaits = new LinkedBlockingQueue<>();
    private final List<Consumer<TaskEvent>> followers = new CopyOnWriteArrayList<>();
    private final BlockingQueue<Long> told = new LinkedBlockingQueue<>();
    private volatile boolean full;
    private Runnable quit = () -> {};

    /** What is done after the answer to Shutdown. */
    void onQuit(Runnable action) {
        quit = action;
    }

    /** Every call with what it carried, in order. */
    BlockingQueue<String> calls() {
        return calls;
    }

    BlockingQueue<RequestKey> keys() {
        return keys;
    }

    /** Why waits ended that ended without an exit. */
    BlockingQueue<FailureKind> endsOfWaits() {
        return endsOfWaits;
    }

    @Override
    public int create(RequestKey key, CreateTask task, Call call) {
        calls.add(task.toString());
        keys.add(key);
        put(
                new ProcessState(
                        ProcessId.first(task.container()),
                        task.bundle(),
                        PID,
                        ProcessState.Status.CREATED,
                        task.stdio(),
                        Optional.empty()));
        return PID;
    }

    @Override
    public int start(RequestKey key, ProcessId process, Call call) {
        keys.add(key);
        change(process, ProcessState.Status.RUNNING, Optional.empty());
        return PID;
    }

    @Override
    public void exec(RequestKey key, ExecTask task, Call call) {
        calls.add(task.toString());
        keys.add(key);
        ProcessState container = state(key.sandbox(), ProcessId.first(task.id().container()));
        put(
                new ProcessState(
                        task.id(),
                        container.bundle(),
                        PID,
                        ProcessState.Status.CREATED,
                        task.stdio(),
                        Optional.empty()));
    }

    @Override
    public void kill(RequestKey key, ProcessId process, int signal, boolean all, Call call) {
        keys.add(key);
        calls.add("kill %s %d %s".formatted(process, signal, all));
        change(
                process,
                ProcessState.Status.STOPPED,
                Optional.of(new ProcessExit(PID, SIGNALLED + signal, ENDED_AT, "")));
    }

    @Override
    public ProcessExit delete(RequestKey key, ProcessId process, Call call) {
        keys.add(key);
        ProcessExit exit =
                state(key.sandbox(), process)
                        .exit()
                        .orElseThrow(
                                () ->
                                        new DriverException(
                                                FailureKind.FAILED_PRECONDITION,
                                                "Process %s still runs.".formatted(process)));
        lock.lock();
        try {
            processes.remove(process);
            return exit;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void update(RequestKey key, String container, String resources, Call call) {
        keys.add(key);
        calls.add("update %s %s".formatted(container, resources));
    }

    @Override
    public ProcessExit await(OwnerId sandbox, ProcessId process, Call call) {
        calls.add("await " + process);
        lock.lock();
        try {
            CallScope.await(call, lock, changed, () -> state(sandbox, process).exit().isPresent());
            return state(sandbox, process).exit().orElseThrow();
        } catch (DriverException e) {
            endsOfWaits.add(e.failure());
            throw e;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public ProcessState state(OwnerId sandbox, ProcessId process) {
        lock.lock();
        try {
            return Optional.ofNullable(processes.get(process))
                    .orElseThrow(
                            () ->
                                    new DriverException(
                                            FailureKind.NOT_FOUND,
                                            "Sandbox %s has no process %s."
                                                    .formatted(sandbox, process)));
        } finally {
            lock.unlock();
        }
    }

    @Override
    public List<TaskPid> pids(OwnerId sandbox, String container) {
        return List.of(new TaskPid(PID, ""), new TaskPid(PID, "probe"));
    }

    @Override
    public void pause(OwnerId sandbox, String container, Call call) {
        change(ProcessId.first(container), ProcessState.Status.PAUSED, Optional.empty());
    }

    @Override
    public void resume(OwnerId sandbox, String container, Call call) {
        change(ProcessId.first(container), ProcessState.Status.RUNNING, Optional.empty());
    }

    @Override
    public void resizePty(OwnerId sandbox, ProcessId process, int columns, int rows, Call call) {
        calls.add("resize %s %dx%d".formatted(process, columns, rows));
    }

    @Override
    public void closeIo(OwnerId sandbox, ProcessId process, Call call) {
        calls.add("close input of " + process);
    }

    @Override
    public CgroupFigures stats(OwnerId sandbox, String container, Call call) {
        return new CgroupFigures(
                new CgroupFigures.Memory(1, 0, 3, 4, 5, 6),
                Map.of("usage_usec", 7L, "nr_throttled", 8L, "of_a_later_kernel", 9L),
                Map.of("anon", 10L, "pgmajfault", 11L),
                Map.of("oom_kill", 12L),
                13,
                14,
                List.of(new CgroupFigures.Disk(254, 1, 15, 16, 17, 18)),
                List.of(new CgroupFigures.HugePages("2MB", 19, 0)));
    }

    @Override
    public Connection connect(OwnerId sandbox, String container) {
        return new Connection(42, PID, "0.1.0");
    }

    @Override
    public Optional<Runnable> shutdown(RequestKey key, boolean now, Call call) {
        keys.add(key);
        return processes.isEmpty() ? Optional.of(quit) : Optional.empty();
    }

    @Override
    public List<ProcessId> processes(OwnerId sandbox) {
        lock.lock();
        try {
            return List.copyOf(processes.keySet());
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Subscription follow(Consumer<TaskEvent> receiver) {
        followers.add(receiver);
        return () -> followers.remove(receiver);
    }

    @Override
    public void told(TaskEvent event) {
        if (full) {
            throw new DriverException(FailureKind.UNAVAILABLE, "There is no room.");
        }
        told.add(event.number());
    }

    /** Whether there is no room to note what was told. */
    void full(boolean now) {
        full = now;
    }

    /** Something happens in a sandbox. */
    void happens(TaskEvent event) {
        followers.forEach(follower -> follower.accept(event));
    }

    /** Numbers of the events that containerd has heard. */
    BlockingQueue<Long> told() {
        return told;
    }

    @Override
    public List<SandboxView> list() {
        return List.of();
    }

    @Override
    public SandboxView find(String idPrefixOrName) {
        throw new DriverException(
                FailureKind.NOT_FOUND, "There is no sandbox %s.".formatted(idPrefixOrName));
    }

    @Override
    public String inspect(String idPrefixOrName) {
        return "{}";
    }

    @Override
    public DebugSession debug(DebugTask task, Call call) {
        throw DriverException.unsupported("No shim asks for a debug session.");
    }

    @Override
    public Overhead overhead(String idPrefixOrName, Call call) {
        return new Overhead(List.of(), 0, 0, 0, List.of());
    }

    private void change(ProcessId id, ProcessState.Status status, Optional<ProcessExit> exit) {
        ProcessState before = state(new OwnerId("any", "one"), id);
        put(new ProcessState(id, before.bundle(), before.pid(), status, before.stdio(), exit));
    }

    private void put(ProcessState state) {
        lock.lock();
        try {
            processes.put(state.id(), state);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    static StdioPaths stdio(String name) {
        return new StdioPaths(
                false, "/f/" + name + "-in", "/f/" + name + "-out", "/f/" + name + "-err");
    }

    static Path bundle(String container) {
        return Path.of("/bundles/" + container);
    }
}
