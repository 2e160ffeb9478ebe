// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.guest.GuestProcessId;
import io.hako.host.shim.Shim;
import io.hako.host.shim.StdioId;
import io.hako.sandbox.ProcessId;
import io.hako.state.ContainerRecord;
import io.hako.state.MachinePhase;
import java.time.Duration;

/**
 * Takes away what guest, shim and host have of a container or a process. Repeatable: what is gone
 * already is passed over.
 */
final class ContainerEnd {
    private static final int SIGKILL = 9;
    private static final int KILLED = 137;
    private static final Duration KILL_LIMIT = Duration.ofSeconds(10);

    private final Pod pod;

    ContainerEnd(Pod pod) {
        this.pod = pod;
    }

    /** Ends a container that was created and perhaps never ran. */
    void kill(String container, String key, Call call) {
        if (pod.isSandbox(container)) {
            new SandboxEnd(pod).now(container, KILLED, call);
        } else if (pod.phase() == MachinePhase.RUNNING) {
            passOver(
                    FailureKind.NOT_FOUND,
                    () ->
                            pod.guest()
                                    .tell(
                                            call,
                                            (guest, within) ->
                                                    guest.signal(
                                                            key + ":kill",
                                                            GuestProcessId.first(container),
                                                            SIGKILL,
                                                            true,
                                                            within)));
            pod.exits().await(ProcessId.first(container), Bounded.within(KILL_LIMIT, call));
        }
    }

    /** Everything of a container; the journal still has it then. */
    void remove(String container, String key, Call call) {
        forgetInGuest(ProcessId.first(container), key, call);
        Shim shim = pod.shim(call);
        ContainerRecord record = pod.container(container);
        record.processes()
                .keySet()
                .forEach(exec -> shim.leaveStdio(new StdioId(container, exec), call));
        pod.effects().undo(HostEffects.slot(container), shim, call);
    }

    /** Everything of a further process. */
    void removeExec(ProcessId id, String key, Call call) {
        forgetInGuest(id, key, call);
        pod.shim(call).leaveStdio(new StdioId(id.container(), id.exec()), call);
    }

    private void forgetInGuest(ProcessId id, String key, Call call) {
        if (pod.phase() == MachinePhase.RUNNING && !pod.isSandbox(id.container())) {
            GuestProcessId process = new GuestProcessId(id.container(), id.exec());
            passOver(
                    FailureKind.NOT_FOUND,
                    () ->
                            pod.guest()
                                    .tell(
                                            call,
                                            (guest, within) -> guest.delete(key, process, within)));
        }
    }

    /** A machine that ends meanwhile takes its containers with it. */
    private void passOver(FailureKind kind, Runnable step) {
        try {
            step.run();
        } catch (DriverException e) {
            boolean machineGone =
                    e.failure() == FailureKind.UNAVAILABLE && pod.monitor().ended().isPresent();
            if (e.failure() != kind && !machineGone) {
                throw e;
            }
        }
    }
}
