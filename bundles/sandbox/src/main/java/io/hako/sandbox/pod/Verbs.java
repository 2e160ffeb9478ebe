// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.guest.GuestProcessId;
import io.hako.guest.GuestStdio;
import io.hako.ocispec.OciProcess;
import io.hako.sandbox.CreateTask;
import io.hako.sandbox.ExecTask;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.RequestKey;
import io.hako.state.Entry;
import io.hako.state.MachinePhase;
import io.hako.state.ProcessPhase;
import io.hako.state.ProcessRecord;
import io.hako.ttrpc.CallScope;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;

/** The verbs that change something in one pod: each journalled by its key, and done once. */
final class Verbs {
    private static final int SIGKILL = 9;
    private static final Duration START_LIMIT = Duration.ofMinutes(1);

    private final Pod pod;

    Verbs(Pod pod) {
        this.pod = pod;
    }

    int create(RequestKey key, CreateTask task, Call call) {
        return pod.requests()
                .once(
                        key,
                        "Create " + task.container(),
                        Answer.PID,
                        call,
                        again ->
                                pod.locked(
                                        () -> {
                                            if (pod.record()
                                                    .container(task.container())
                                                    .isEmpty()) {
                                                return new Creation(pod, key, task).run(call);
                                            }
                                            if (again) {
                                                return pod.record().machine().pid();
                                            }
                                            throw new DriverException(
                                                    FailureKind.ALREADY_EXISTS,
                                                    "Sandbox %s has a container %s already."
                                                            .formatted(
                                                                    pod.owner(), task.container()));
                                        }));
    }

    int start(RequestKey key, ProcessId id, Call call) {
        return pod.requests()
                .once(
                        key,
                        "Start " + id,
                        Answer.PID,
                        call,
                        again ->
                                pod.locked(
                                        () -> {
                                            ProcessRecord process = pod.process(id);
                                            ProcessPhase startable =
                                                    id.isFirst()
                                                            ? ProcessPhase.CREATED
                                                            : ProcessPhase.PREPARED;
                                            if (process.phase() == startable) {
                                                pod.requireRunning("started");
                                                run(key, id, process, lasting());
                                                hooks(id).ifPresent(h -> h.started(lasting()));
                                            } else if (!again) {
                                                throw new DriverException(
                                                        FailureKind.FAILED_PRECONDITION,
                                                        "Process %s cannot be started: it is %s."
                                                                .formatted(
                                                                        id,
                                                                        process.phase()
                                                                                .name()
                                                                                .toLowerCase(
                                                                                        Locale
                                                                                                .ROOT)));
                                            }
                                            return pod.record().machine().pid();
                                        }));
    }

    /**
     * For what the guest cannot be told twice: it is seen to its end even if its caller has gone,
     * who would otherwise find a process that runs and is not known to.
     */
    private Call lasting() {
        return Bounded.both(CallScope.within(START_LIMIT), pod.life());
    }

    private void run(RequestKey key, ProcessId id, ProcessRecord process, Call call) {
        if (id.isFirst() && !pod.isSandbox(id.container())) {
            pod.guest()
                    .tell(
                            call,
                            (guest, within) ->
                                    guest.startContainer(key.text(), id.container(), within));
        } else if (!id.isFirst()) {
            exec(key, process, call);
        }
        pod.journal().append(new Entry.Moved(id.container(), id.exec(), ProcessPhase.RUNNING));
        if (!id.isFirst()) {
            new ProcessWatch(pod).start(id);
        }
    }

    private Optional<ContainerHooks> hooks(ProcessId id) {
        return id.isFirst() ? ContainerHooks.of(pod, id.container()) : Optional.empty();
    }

    private void exec(RequestKey key, ProcessRecord process, Call call) {
        Entry.Process facts = process.facts();
        OciProcess spec = OciProcess.parse(facts.spec());
        GuestStdio stdio = Stdio.tokens(facts, spec.rows(), spec.columns());
        GuestProcessId id = new GuestProcessId(facts.container(), facts.exec());
        pod.guest()
                .tell(
                        call,
                        (guest, within) -> guest.exec(key.text(), id, spec.json(), stdio, within));
        try {
            // Not before: the agent resets a stream whose token it has not heard of. Output waits
            // in the pipes.
            pod.shim(call).joinStdio(Stdio.join(pod, facts), call);
        } catch (DriverException e) {
            pod.guest()
                    .tell(
                            call,
                            (guest, within) ->
                                    guest.signal(key.text() + ":undo", id, SIGKILL, false, within));
            throw e;
        }
    }

    void exec(RequestKey key, ExecTask task, Call call) {
        ProcessId id = task.id();
        pod.requests()
                .once(
                        key,
                        "Exec " + id,
                        Answer.DONE,
                        call,
                        again ->
                                pod.locked(
                                        () -> {
                                            boolean taken =
                                                    pod.container(id.container())
                                                            .process(id.exec())
                                                            .isPresent();
                                            if (taken && !again) {
                                                throw new DriverException(
                                                        FailureKind.ALREADY_EXISTS,
                                                        "Container %s has a process %s already."
                                                                .formatted(
                                                                        id.container(), id.exec()));
                                            }
                                            if (!taken) {
                                                notInSandbox(id);
                                                pod.requireRunning("prepared");
                                                OciProcess process =
                                                        OciProcess.parse(task.process());
                                                pod.journal()
                                                        .append(
                                                                Stdio.announced(
                                                                        id,
                                                                        task.stdio(),
                                                                        process.json(),
                                                                        new SecureRandom()));
                                            }
                                            return true;
                                        }));
    }

    private void notInSandbox(ProcessId id) {
        if (pod.isSandbox(id.container())) {
            throw DriverException.unsupported(
                    "Process %s cannot be prepared: %s is the sandbox itself, in which nothing runs. Use one of the containers in it."
                            .formatted(id, id.container()));
        }
    }

    /** Goes past the pod's order: a container can be killed whatever else is under way. */
    void kill(RequestKey key, ProcessId id, int signal, boolean all, Call call) {
        pod.requests()
                .once(
                        key,
                        SandboxEnd.KILL + id + " " + signal,
                        Answer.DONE,
                        call,
                        again -> {
                            ProcessPhase phase = pod.process(id).phase();
                            if (phase == ProcessPhase.STOPPED) {
                                return ended(id, again);
                            }
                            if (phase == ProcessPhase.PREPARED
                                    && pod.phase() != MachinePhase.QUARANTINED) {
                                throw new DriverException(
                                        FailureKind.FAILED_PRECONDITION,
                                        "Process %s has not been started.".formatted(id));
                            }
                            signal(key, id, signal, all, call);
                            return true;
                        });
    }

    /** Between the end of its machine and that of the process being told, it has ended too. */
    private void signal(RequestKey key, ProcessId id, int signal, boolean all, Call call) {
        try {
            new Signals(pod).send(key, id, signal, all, call);
        } catch (DriverException e) {
            boolean dying =
                    e.failure() == FailureKind.UNAVAILABLE
                            && (pod.monitor().ended().isPresent()
                                    || pod.phase() == MachinePhase.STOPPING
                                    || pod.phase() == MachinePhase.OFF);
            if (!dying) {
                throw e;
            }
        }
    }

    private static boolean ended(ProcessId id, boolean again) {
        if (again) {
            return true; // by this very signal, as far as anyone can tell
        }
        throw new DriverException(
                FailureKind.NOT_FOUND, "Process %s has ended already.".formatted(id));
    }

    ProcessExit delete(RequestKey key, ProcessId id, Call call) {
        Supplier<ProcessExit> work =
                () -> {
                    ProcessRecord process = pod.process(id);
                    if (process.phase() == ProcessPhase.RUNNING
                            || process.phase() == ProcessPhase.PAUSED) {
                        throw new DriverException(
                                FailureKind.FAILED_PRECONDITION,
                                "Process %s cannot be deleted: it runs. Kill it first."
                                        .formatted(id));
                    }
                    ContainerEnd end = new ContainerEnd(pod);
                    if (id.isFirst()) {
                        if (process.phase() == ProcessPhase.CREATED) {
                            end.kill(id.container(), key.text(), call);
                        }
                        end.remove(id.container(), key.text(), call);
                        hooks(id).ifPresent(hooks -> hooks.deleted(call));
                    } else {
                        end.removeExec(id, key.text(), call);
                    }
                    return pod.process(id)
                            .exit()
                            .map(pod.exits()::answer)
                            .orElseGet(() -> neverRan());
                };
        return pod.requests()
                .once(
                        key,
                        Reconciliation.DELETE + id,
                        Answer.EXIT,
                        call,
                        again -> pod.locked(work),
                        exit -> forget(id));
    }

    private void forget(ProcessId id) {
        List<String> execs =
                id.isFirst()
                        ? List.copyOf(pod.container(id.container()).processes().keySet())
                        : List.of(id.exec());
        pod.journal().append(new Entry.Deleted(id.container(), id.exec()));
        execs.forEach(exec -> pod.exits().forget(new ProcessId(id.container(), exec)));
    }

    private ProcessExit neverRan() {
        return new ProcessExit(
                pod.record().machine().pid(), 0, pod.record().identity().created(), "");
    }
}
