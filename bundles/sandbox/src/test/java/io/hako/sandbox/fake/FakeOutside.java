// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.fake;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import io.hako.api.types.OwnerId;
import io.hako.host.shim.HookRun;
import io.hako.host.shim.ShimEvent;
import io.hako.host.shim.ShimProcess;
import io.hako.host.shim.StdioId;
import io.hako.host.shim.StdioJoin;
import io.hako.ttrpc.CallScope;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** One sandbox's shim and what it holds: it outlives the daemons of a test. Thread-safe. */
public final class FakeOutside {
    public static final String VMM = "vmm";

    private final OwnerId owner;
    private final Path pod;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<String, ShimProcess> processes = new LinkedHashMap<>();
    private final Map<StdioId, StdioJoin> joined = new LinkedHashMap<>();
    private final List<Path> mounts = new ArrayList<>();
    private final Map<Path, List<String>> options = new HashMap<>();
    private final List<String> cgroups = new ArrayList<>();
    private final List<String> kept = new ArrayList<>();
    private final List<Consumer<ShimEvent>> subscribers = new ArrayList<>();
    private final FakeNetwork network = new FakeNetwork(this::isBound);
    private Optional<FakeAgent> agent = Optional.empty();
    private final List<HookRun> hooks = new ArrayList<>();
    private Runnable onBoot = () -> {};
    private Consumer<HookRun> onHook = hook -> {};
    private boolean shimDead;
    private int glances;
    private int quits;
    private boolean mute;
    private int refusals;
    private int lastPid = 4710;
    private long lastEvent;

    public FakeOutside(OwnerId owner, Path pod) {
        this.owner = owner;
        this.pod = pod;
    }

    public OwnerId owner() {
        return owner;
    }

    public Path pod() {
        return pod;
    }

    /** What hako has to take away and has not. */
    public List<String> left() {
        List<String> links =
                network.left(); // it asks here which namespaces are mounted: not under this lock
        return locked(
                () -> {
                    List<String> all = new ArrayList<>(links);
                    processes.values().stream()
                            .filter(p -> p.end().isEmpty())
                            .forEach(p -> all.add("process " + p.role()));
                    mounts.forEach(mount -> all.add("mount " + pod.relativize(mount)));
                    cgroups.forEach(path -> all.add("cgroup " + path));
                    kept.forEach(file -> all.add("file " + file));
                    joined.keySet().forEach(id -> all.add("streams " + id));
                    return all;
                });
    }

    public FakeNetwork network() {
        return network;
    }

    private boolean isBound(NetworkNamespace namespace) {
        return locked(() -> mounts.contains(namespace.path()));
    }

    public FakeAgent agent() {
        return locked(() -> agent.orElseThrow());
    }

    public boolean hasQuit() {
        return quits() > 0;
    }

    /** How often the shim was asked to quit. */
    public int quits() {
        return locked(() -> quits);
    }

    public boolean shimLives() {
        return locked(
                () -> {
                    glances++;
                    return !shimDead && quits == 0;
                });
    }

    /** How often somebody looked whether the shim lives. */
    public int glances() {
        return locked(() -> glances);
    }

    /** The guest boots, but its agent never answers. */
    public void mute() {
        locked(() -> mute = true);
    }

    /** Done as soon as the monitor is launched. */
    public void onBoot(Runnable event) {
        locked(() -> onBoot = event);
    }

    /** What each hook of the host does. */
    public void onHook(Consumer<HookRun> work) {
        locked(() -> onHook = work);
    }

    /** Those that were run, in order. */
    public List<HookRun> hooks() {
        return locked(() -> List.copyOf(hooks));
    }

    void hook(HookRun hook) {
        Consumer<HookRun> work =
                locked(
                        () -> {
                            hooks.add(hook);
                            return onHook;
                        });
        work.accept(hook);
    }

    /** A process ends by itself. */
    public void end(String role, ExitStatus status) {
        List<Consumer<ShimEvent>> told = new ArrayList<>();
        ShimEvent event =
                locked(
                        () -> {
                            ShimProcess now = processes.get(role);
                            if (now == null || now.end().isPresent()) {
                                return new ShimEvent.Unknown(0, Instant.now());
                            }
                            ShimProcess ended =
                                    new ShimProcess(
                                            role,
                                            now.pid(),
                                            now.startTime(),
                                            Optional.of(
                                                    new ShimProcess.End(status, Instant.now())));
                            processes.put(role, ended);
                            if (role.equals(VMM)) {
                                agent.ifPresent(FakeAgent::off);
                            }
                            told.addAll(subscribers);
                            changed.signalAll();
                            return new ShimEvent.ProcessExited(++lastEvent, Instant.now(), ended);
                        });
        told.forEach(subscriber -> subscriber.accept(event));
    }

    /**
     * kill -9 of the shim: its children die with it, and nobody is there to tell of them; its
     * mounts stay.
     */
    public void killShim() {
        locked(
                () -> {
                    shimDead = true;
                    processes.clear();
                    kept.clear();
                    joined.clear();
                    changed.signalAll();
                    return shimDead;
                });
        agent.ifPresent(FakeAgent::off);
    }

    /** Another process in the place of a dead shim. */
    public void reviveShim() {
        locked(() -> shimDead = false);
    }

    /** What is left once nobody is there to ask: taken away by force. */
    public void sweep() {
        locked(
                () -> {
                    refuseWhileBusy();
                    mounts.clear();
                    cgroups.clear();
                    return true;
                });
    }

    /** So many attempts to take the cgroup away fail. */
    public void busy(int attempts) {
        locked(() -> refusals = attempts);
    }

    private void refuseWhileBusy() {
        if (refusals > 0) {
            refusals--;
            throw new DriverException(
                    FailureKind.UNAVAILABLE, "Processes [4711] in cgroup /hako/web do not end.");
        }
    }

    boolean removeCgroup(String path) {
        return locked(
                () -> {
                    refuseWhileBusy();
                    return cgroups.remove(path);
                });
    }

    FakeAgent awaitGuest(Call call) {
        lock.lock();
        try {
            if (!CallScope.await(
                    call,
                    lock,
                    changed,
                    () -> agent.filter(FakeAgent::isOn).isPresent() && !mute)) {
                throw new DriverException(
                        FailureKind.DEADLINE_EXCEEDED, "The agent did not answer in time.");
            }
            return agent.orElseThrow();
        } finally {
            lock.unlock();
        }
    }

    ShimProcess launch(String role, List<String> files) {
        ShimProcess process =
                locked(
                        () -> {
                            if (!processes.containsKey(role)) {
                                processes.put(
                                        role,
                                        new ShimProcess(
                                                role, ++lastPid, lastPid, Optional.empty()));
                                kept.addAll(files);
                                if (role.equals(VMM)) {
                                    agent = Optional.of(new FakeAgent());
                                }
                                changed.signalAll();
                            }
                            return processes.get(role);
                        });
        if (role.equals(VMM)) {
            locked(() -> onBoot).run();
        }
        return process;
    }

    /** What something was last mounted with, by its path in the pod's directory. */
    public List<String> options(String mount) {
        return locked(() -> options.getOrDefault(pod.resolve(mount), List.of()));
    }

    void options(Path mount, List<String> given) {
        locked(() -> options.put(mount, List.copyOf(given)));
    }

    List<ShimProcess> processes() {
        return locked(() -> List.copyOf(processes.values()));
    }

    void forget(String role) {
        locked(
                () -> {
                    if (Optional.ofNullable(processes.get(role))
                            .filter(p -> p.end().isEmpty())
                            .isPresent()) {
                        throw new DriverException(
                                FailureKind.FAILED_PRECONDITION,
                                "Process %s lives.".formatted(role));
                    }
                    return processes.remove(role);
                });
    }

    void quit() {
        locked(() -> ++quits);
    }

    Runnable subscribe(Consumer<ShimEvent> receiver) {
        locked(() -> subscribers.add(receiver));
        return () -> locked(() -> subscribers.remove(receiver));
    }

    /** For the shim's simple lists; each call is one step. */
    <T> T held(Held<T> access) {
        return locked(() -> access.of(mounts, cgroups, kept, joined));
    }

    interface Held<T> {
        T of(
                List<Path> mounts,
                List<String> cgroups,
                List<String> kept,
                Map<StdioId, StdioJoin> joined);
    }

    private <T> T locked(Supplier<T> work) {
        lock.lock();
        try {
            return work.get();
        } finally {
            lock.unlock();
        }
    }
}
