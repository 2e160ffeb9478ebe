// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.fake;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.GuestPath;
import io.hako.guest.GuestExit;
import io.hako.guest.GuestNetwork;
import io.hako.guest.GuestProcess;
import io.hako.guest.GuestProcessId;
import io.hako.guest.GuestStdio;
import io.hako.guest.PodNeeds;
import io.hako.guest.PodPlaces;
import io.hako.ttrpc.CallScope;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * What runs in a guest, with the agent's memory of requests. Lives in the test's outside world, not
 * in a daemon.
 */
public final class FakeAgent {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<GuestProcessId, GuestProcess> processes = new LinkedHashMap<>();
    private final Map<String, Set<String>> done = new LinkedHashMap<>();
    private final List<String> log = new ArrayList<>();
    private final List<String> mounts = new ArrayList<>();
    private final Map<String, String> specs = new LinkedHashMap<>();
    private final Map<String, Runnable> before = new LinkedHashMap<>();
    private final List<PodNeeds> needs = new ArrayList<>();
    private final Set<String> frozen = new HashSet<>();
    private GuestNetwork network = GuestNetwork.NONE;
    private boolean identity;
    private boolean on = true;
    private Optional<DriverException> refusal = Optional.empty();
    private Optional<DriverException> networkRefusal = Optional.empty();
    private int networkRefusals;

    /** What was done, each once: "start web", "signal web 15". */
    public List<String> log() {
        return locked(() -> List.copyOf(log));
    }

    public List<String> mounts() {
        return locked(() -> List.copyOf(mounts));
    }

    /** The config.json that a container was created with. */
    public String spec(String container) {
        return locked(() -> Optional.ofNullable(specs.get(container)).orElseThrow());
    }

    void spec(String container, String json) {
        change(() -> specs.put(container, json));
    }

    /** As it was last told. */
    public GuestNetwork network() {
        return locked(() -> network);
    }

    void network(GuestNetwork told) {
        change(
                () -> {
                    if (networkRefusals > 0) {
                        networkRefusals--;
                        throw networkRefusal.orElseThrow();
                    }
                    network = told;
                });
    }

    /** So often the network is not changed. */
    public void refuseNetwork(DriverException failure, int times) {
        locked(
                () -> {
                    networkRefusal = Optional.of(failure);
                    networkRefusals = times;
                    return true;
                });
    }

    /** What the pod's containers were to share, as it was asked for. */
    public List<PodNeeds> needs() {
        return locked(() -> List.copyOf(needs));
    }

    PodPlaces prepare(PodNeeds wanted) {
        change(() -> needs.add(wanted));
        return new PodPlaces(
                wanted.shareProcesses()
                        ? Optional.of(new GuestPath("/run/fake/ns/pid"))
                        : Optional.empty(),
                new GuestPath("/run/fake/shm"));
    }

    /** What a call does first, before anything is locked: a test holds it there, or cuts it off. */
    public void before(String call, Runnable event) {
        locked(() -> before.put(call, event));
    }

    /** The next call that changes something fails so. */
    public void refuseNext(DriverException failure) {
        locked(() -> refusal = Optional.of(failure));
    }

    /** A process ends by itself. */
    public void end(String container, String exec, int status) {
        change(() -> exit(new GuestProcessId(container, exec), status));
    }

    /** The machine is gone: every wait ends. */
    void off() {
        change(() -> on = false);
    }

    boolean isOn() {
        return locked(() -> on);
    }

    boolean identity() {
        return locked(() -> identity);
    }

    void setIdentity() {
        change(() -> identity = true);
    }

    void mount(String what) {
        change(
                () -> {
                    if (!mounts.contains(what)) {
                        mounts.add(what);
                    }
                });
    }

    /** Does something once for a key. */
    void once(String key, String what, Runnable work) {
        Optional.ofNullable(locked(() -> before.remove(what))).ifPresent(Runnable::run);
        change(
                () -> {
                    if (refusal.isPresent()) {
                        DriverException failure = refusal.get();
                        refusal = Optional.empty();
                        throw failure;
                    }
                    if (done.computeIfAbsent(what, k -> new HashSet<>()).add(key)) {
                        work.run();
                        log.add(what);
                    }
                });
    }

    void create(GuestProcessId id, GuestProcess.State state, GuestStdio stdio) {
        if (processes.containsKey(id)) {
            throw new DriverException(
                    FailureKind.ALREADY_EXISTS,
                    "The guest has a process %s already.".formatted(id));
        }
        processes.put(
                id, new GuestProcess(id, 100 + processes.size(), state, Optional.empty(), stdio));
    }

    void move(GuestProcessId id, GuestProcess.State to) {
        GuestProcess now = require(id);
        processes.put(id, new GuestProcess(id, now.pid(), to, now.exit(), now.stdio()));
    }

    void signal(GuestProcessId id, int signal) {
        if (signal == 9 || signal == 15) {
            exit(require(id).id(), 128 + signal);
        }
    }

    private void exit(GuestProcessId id, int status) {
        GuestProcess now = require(id);
        if (now.exit().isEmpty()) {
            GuestExit exit = new GuestExit(status, Instant.ofEpochSecond(1_800_000_000L), false);
            processes.put(
                    id,
                    new GuestProcess(
                            id,
                            now.pid(),
                            GuestProcess.State.STOPPED,
                            Optional.of(exit),
                            now.stdio()));
        }
    }

    GuestExit await(GuestProcessId id, Call call, BooleanSupplier connected) {
        lock.lock();
        try {
            require(id);
            boolean ended =
                    CallScope.await(
                            call,
                            lock,
                            changed,
                            () ->
                                    !on
                                            || !connected.getAsBoolean()
                                            || !processes.containsKey(id)
                                            || processes.get(id).exit().isPresent());
            if (!ended) {
                throw new DriverException(
                        FailureKind.DEADLINE_EXCEEDED, "The process did not end.");
            }
            requireOn(connected);
            return require(id).exit().orElseThrow();
        } finally {
            lock.unlock();
        }
    }

    void requireOn(BooleanSupplier connected) {
        if (!on || !connected.getAsBoolean()) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE, "The connection to the agent is lost.");
        }
    }

    /** A container that never ran is killed first, as the agent does. */
    GuestExit delete(GuestProcessId id) {
        if (require(id).state() == GuestProcess.State.CREATED) {
            exit(id, 137);
        }
        GuestExit exit =
                require(id)
                        .exit()
                        .orElseThrow(
                                () ->
                                        new DriverException(
                                                FailureKind.FAILED_PRECONDITION,
                                                "The process runs."));
        processes
                .keySet()
                .removeIf(
                        p ->
                                p.equals(id)
                                        || id.exec().isEmpty()
                                                && p.container().equals(id.container()));
        return exit;
    }

    List<GuestProcess> list() {
        return locked(() -> processes.values().stream().map(this::shown).toList());
    }

    private GuestProcess shown(GuestProcess process) {
        boolean still = frozen.contains("") || frozen.contains(process.id().container());
        return still && process.state() == GuestProcess.State.RUNNING
                ? new GuestProcess(
                        process.id(),
                        process.pid(),
                        GuestProcess.State.PAUSED,
                        process.exit(),
                        process.stdio())
                : process;
    }

    /** A container, or with an empty name all of them. */
    void freeze(String container, boolean still) {
        String what = (still ? "pause " : "resume ") + container;
        Optional.ofNullable(locked(() -> before.remove(what))).ifPresent(Runnable::run);
        change(
                () -> {
                    if (still) {
                        frozen.add(container);
                    } else {
                        frozen.remove(container);
                    }
                    log.add(what);
                });
    }

    /** Whoever waits looks again. */
    void wake() {
        change(() -> {});
    }

    private GuestProcess require(GuestProcessId id) {
        return Optional.ofNullable(processes.get(id))
                .orElseThrow(
                        () ->
                                new DriverException(
                                        FailureKind.NOT_FOUND,
                                        "The guest has no process %s.".formatted(id)));
    }

    private void change(Runnable change) {
        lock.lock();
        try {
            change.run();
        } finally {
            changed.signalAll();
            lock.unlock();
        }
    }

    private <T> T locked(Supplier<T> read) {
        lock.lock();
        try {
            return read.get();
        } finally {
            lock.unlock();
        }
    }
}
