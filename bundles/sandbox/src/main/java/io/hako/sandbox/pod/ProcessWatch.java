// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.guest.GuestExit;
import io.hako.guest.GuestProcessId;
import io.hako.host.shim.StdioId;
import io.hako.sandbox.ProcessId;
import io.hako.state.ContainerRecord;
import io.hako.state.MachinePhase;
import io.hako.state.ProcessPhase;
import java.time.Duration;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for one process to end, on a thread of its own; then for its output; then tells; and ends
 * the machine after the last.
 */
final class ProcessWatch {
    private static final Logger LOG = LoggerFactory.getLogger(ProcessWatch.class);
    private static final int KILLED = 137;
    private static final Duration STOP_LIMIT = Duration.ofMinutes(1);

    private final Pod pod;

    ProcessWatch(Pod pod) {
        this.pod = pod;
    }

    void start(ProcessId id) {
        Thread.ofVirtual().name("wait " + id).start(() -> run(id));
    }

    private void run(ProcessId id) {
        try {
            GuestExit exit =
                    pod.guest()
                            .ask(
                                    pod.life(),
                                    (guest, call) ->
                                            guest.await(
                                                    new GuestProcessId(id.container(), id.exec()),
                                                    call));
            drain(id, pod.node().settings().logs().drainLimit(), pod.life());
            pod.exits()
                    .record(
                            id,
                            exit.status(),
                            exit.at(),
                            exit.oomKilled() ? "The container ran out of memory." : "");
            pod.locked(
                    () -> {
                        stopIfIdle();
                        return true;
                    });
        } catch (DriverException e) {
            lost(id, e);
        }
    }

    /**
     * The machine's end tells its own story; but an agent that lives and does not know the process
     * has lost it.
     */
    private void lost(ProcessId id, DriverException e) {
        if (e.failure() == FailureKind.NOT_FOUND && !pod.isGone()) {
            pod.exits()
                    .record(
                            id,
                            KILLED,
                            Instant.now(),
                            "The guest's agent no longer knows the process.");
        } else {
            LOG.debug("Sandbox {}: the wait for {} is over: {}", pod.owner(), id, e.getMessage());
        }
    }

    /** What cannot be delivered never holds an exit back for long. */
    void drain(ProcessId id, Duration idle, Call call) {
        if (pod.isSandbox(id.container())) {
            return; // it has no output
        }
        try {
            pod.shim(call).drainStdio(new StdioId(id.container(), id.exec()), idle, call);
        } catch (DriverException e) {
            LOG.warn(
                    "Sandbox {}: the output of {} may be incomplete: {}",
                    pod.owner(),
                    id,
                    e.getMessage());
        }
    }

    /** Powers the machine off once every container has ended. The caller has the pod's order. */
    void stopIfIdle() {
        boolean idle =
                pod.phase() == MachinePhase.RUNNING
                        && !pod.record().containers().isEmpty()
                        && pod.record().containers().values().stream()
                                .allMatch(ProcessWatch::stopped);
        if (idle && !pod.isGone()) {
            new Teardown(pod).machine("", Bounded.within(STOP_LIMIT, pod.life()));
        }
    }

    private static boolean stopped(ContainerRecord container) {
        return container
                .process("")
                .map(process -> process.phase() == ProcessPhase.STOPPED)
                .orElse(true);
    }
}
