// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.guest.GuestProcessId;
import io.hako.host.shim.ShimIdentity;
import io.hako.host.shim.StdioId;
import io.hako.sandbox.Connection;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.ProcessState;
import io.hako.sandbox.TaskPid;
import io.hako.state.ContainerRecord;
import io.hako.state.MachinePhase;
import io.hako.state.ProcessPhase;
import io.hako.state.ProcessRecord;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The verbs that ask of one pod, or that may be repeated at will. */
final class Queries {
    private final Pod pod;

    Queries(Pod pod) {
        this.pod = pod;
    }

    ProcessState state(ProcessId id) {
        created(id.container());
        ProcessRecord process = pod.process(id);
        return new ProcessState(
                id,
                Path.of(pod.container(id.container()).facts().bundle()),
                pod.record().machine().pid(),
                status(process.phase()),
                Stdio.paths(process.facts()),
                process.exit().map(pod.exits()::answer));
    }

    static ProcessState.Status status(ProcessPhase phase) {
        return switch (phase) {
            case PREPARED, CREATED -> ProcessState.Status.CREATED;
            case RUNNING -> ProcessState.Status.RUNNING;
            case PAUSED -> ProcessState.Status.PAUSED;
            case STOPPED -> ProcessState.Status.STOPPED;
        };
    }

    List<TaskPid> pids(String container) {
        int pid = pod.record().machine().pid();
        return pod.container(container).processes().values().stream()
                .filter(process -> process.exit().isEmpty())
                .filter(process -> process.phase() != ProcessPhase.PREPARED)
                .map(process -> new TaskPid(pid, process.facts().exec()))
                .toList();
    }

    List<ProcessId> processes() {
        return pod.record().containers().values().stream()
                .filter(Queries::isCreated)
                .flatMap(
                        container ->
                                container.processes().keySet().stream()
                                        .map(exec -> new ProcessId(container.id(), exec)))
                .toList();
    }

    void resizePty(ProcessId id, int columns, int rows, Call call) {
        ProcessRecord process = pod.process(id);
        if (!process.facts().terminal()) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "Process %s has no terminal to resize.".formatted(id));
        }
        pod.requireRunning("resized");
        pod.guest()
                .tell(
                        call,
                        (guest, within) ->
                                guest.resizeTerminal(
                                        new GuestProcessId(id.container(), id.exec()),
                                        rows,
                                        columns,
                                        within));
    }

    void closeIo(ProcessId id, Call call) {
        if (pod.process(id).exit().isEmpty() && !pod.isSandbox(id.container())) {
            pod.shim(call).closeStdin(new StdioId(id.container(), id.exec()), call);
        }
    }

    Connection connect(String container) {
        created(container);
        Optional<ShimIdentity> shim = pod.shimIdentity();
        return new Connection(
                shim.map(ShimIdentity::pid).orElse(0),
                pod.record().machine().pid(),
                shim.map(ShimIdentity::version).orElse(""));
    }

    /**
     * A container whose Create is not done is not there yet: a containerd that was killed meanwhile
     * would take it for one that can be started.
     */
    private void created(String container) {
        if (!isCreated(pod.container(container))) {
            throw new DriverException(
                    FailureKind.NOT_FOUND, "Container %s is not created yet.".formatted(container));
        }
    }

    private static boolean isCreated(ContainerRecord container) {
        return container
                .process("")
                .filter(process -> process.phase() != ProcessPhase.PREPARED)
                .isPresent();
    }

    /** Whether the agent can be asked for figures. */
    boolean guestAnswers() {
        return pod.phase() == MachinePhase.RUNNING && pod.monitor().ended().isEmpty();
    }
}
