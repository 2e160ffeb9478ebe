// SPDX-License-Identifier: Apache-2.0
package io.hako.itests;

import io.hako.api.driver.ProcessSpec;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.shim.HookRun;
import io.hako.host.shim.Shim;
import io.hako.host.shim.ShimEvent;
import io.hako.host.shim.ShimIdentity;
import io.hako.host.shim.ShimProcess;
import io.hako.host.shim.StdioId;
import io.hako.host.shim.StdioJoin;
import io.hako.host.shim.Subscription;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** A shim whose processes are entries of a table, and which knows no streams. */
final class FakeShim implements Shim {
    private final ShimIdentity identity;
    private final Map<String, ShimProcess> processes = new TreeMap<>();
    private final List<Consumer<ShimEvent>> receivers = new CopyOnWriteArrayList<>();
    private int stepsLeft = Integer.MAX_VALUE;
    private int lastPid = 100;
    private long lastEvent;

    FakeShim(String id, Path pod) {
        this.identity =
                new ShimIdentity(
                        "itests", id, pod, 1, "instance", 1, "0.1.0", pod, Optional.empty());
    }

    /**
     * The daemon is killed at a step: there is one before and one after each thing that the shim
     * does.
     */
    synchronized void killDaemonAfter(int steps) {
        stepsLeft = steps;
    }

    synchronized void letDaemonLive() {
        stepsLeft = Integer.MAX_VALUE;
    }

    private void step() {
        if (stepsLeft == 0) {
            throw new DaemonKilled();
        }
        stepsLeft--;
    }

    /** No code of the daemon may catch this. */
    static final class DaemonKilled extends Error {
        private static final long serialVersionUID = 1L;
    }

    @Override
    public ShimIdentity identity() {
        return identity;
    }

    @Override
    public synchronized ShimProcess launch(ProcessSpec spec, Placement placement, Call call) {
        step();
        ShimProcess process =
                processes.computeIfAbsent(
                        spec.role(),
                        role -> new ShimProcess(role, ++lastPid, lastPid, Optional.empty()));
        step();
        return process;
    }

    @Override
    public synchronized List<ShimProcess> processes(Call call) {
        return List.copyOf(processes.values());
    }

    @Override
    public void signal(String role, int signal, Call call) {
        ShimProcess ended;
        synchronized (this) {
            step();
            ShimProcess process = processes.get(role);
            if (process == null) {
                throw new DriverException(
                        FailureKind.NOT_FOUND, "There is no process %s.".formatted(role));
            }
            ended =
                    new ShimProcess(
                            role,
                            process.pid(),
                            process.startTime(),
                            Optional.of(
                                    new ShimProcess.End(
                                            new ExitStatus.Signalled(signal), Instant.EPOCH)));
            processes.put(role, ended);
            lastEvent++;
            step();
        }
        receivers.forEach(
                receiver ->
                        receiver.accept(
                                new ShimEvent.ProcessExited(lastEvent, Instant.EPOCH, ended)));
    }

    @Override
    public synchronized void forget(String role, Call call) {
        step();
        processes.remove(role);
        step();
    }

    @Override
    public ProcessOutput output(String role, Call call) {
        return new ProcessOutput(new byte[0], 0);
    }

    @Override
    public synchronized void release(String file, Call call) {
        step();
        step();
    }

    @Override
    public Map<String, Integer> kept(Call call) {
        return Map.of();
    }

    @Override
    public void mount(String type, String source, Path target, List<String> options, Call call) {}

    @Override
    public void unmount(Path target, boolean remove, Call call) {}

    @Override
    public List<Path> mounts(Path directory, Call call) {
        return List.of();
    }

    @Override
    public LoopbackPorts forwardLoopback(NetworkNamespace network, Call call) {
        return new LoopbackPorts(40_000, OptionalInt.empty());
    }

    @Override
    public void stopForwarding(Call call) {}

    @Override
    public void prepareCgroup(String path, Call call) {}

    @Override
    public void removeCgroup(String path, Call call) {}

    @Override
    public void runHook(HookRun hook, Call call) {}

    @Override
    public void joinStdio(StdioJoin join, Call call) {}

    @Override
    public void closeStdin(StdioId process, Call call) {}

    @Override
    public Drained drainStdio(StdioId process, Duration idleLimit, Call call) {
        return new Drained(true, 0);
    }

    @Override
    public void leaveStdio(StdioId process, Call call) {}

    @Override
    public void leaveAnswers(List<ReadyAnswer> alive, List<ReadyAnswer> dead, Call call) {}

    @Override
    public Subscription subscribe(Consumer<ShimEvent> receiver) {
        receivers.add(receiver);
        return () -> receivers.remove(receiver);
    }

    @Override
    public void quit(Call call) {}
}
