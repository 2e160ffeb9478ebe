// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.sandbox.ProcessId;
import io.hako.state.ContainerRecord;
import io.hako.state.MachinePhase;
import io.hako.state.ProcessPhase;
import io.hako.state.RequestRecord;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a pod by a signal to its sandbox container. That one stands for the machine, so the
 * machine ends, and whatever else runs in it; then the container has ended as the process would
 * have that does nothing in such containers elsewhere.
 */
final class SandboxEnd {
    /** The verb of a request, before the container's id, a blank and the signal's number. */
    static final String KILL = "Kill ";

    private static final Logger LOG = LoggerFactory.getLogger(SandboxEnd.class);
    private static final int SIGINT = 2;
    private static final int SIGKILL = 9;
    private static final int SIGTERM = 15;
    private static final int KILLED = 137;
    private static final String CAUSE = "The pod was stopped.";

    /** For a verb that is under way; one that hangs in the guest is cut off then. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private static final Duration LIMIT = Duration.ofMinutes(1);

    private final Pod pod;

    SandboxEnd(Pod pod) {
        this.pod = pod;
    }

    /**
     * Sends a signal; returns before what it leads to is done. As the first process of a pid
     * namespace, the process would not notice others than these (pid_namespaces(7)).
     */
    void signal(String container, int signal) {
        Optional<Integer> status = status(signal);
        if (status.isPresent() && pod.phase() == MachinePhase.RUNNING) {
            pod.phase(MachinePhase.STOPPING, "");
            Thread.ofVirtual()
                    .name("stop " + pod.owner())
                    .start(() -> stop(container, status.get()));
        }
    }

    /** As Kubernetes' pause does: it leaves at SIGINT and SIGTERM. */
    private static Optional<Integer> status(int signal) {
        return switch (signal) {
            case SIGKILL -> Optional.of(KILLED);
            case SIGINT, SIGTERM -> Optional.of(0);
            default -> Optional.empty();
        };
    }

    private void stop(String container, int status) {
        try {
            pod.locked(
                    PATIENCE,
                    pod.guest()::close,
                    () -> {
                        if (!pod.isGone()) {
                            now(
                                    container,
                                    status,
                                    Bounded.both(CallScope.within(LIMIT), pod.life()));
                        }
                        return true;
                    });
        } catch (DriverException e) {
            LOG.error("Sandbox {}: it could not be stopped: {}", pod.owner(), e.getMessage());
        }
    }

    /** Ends the machine, for the caller, who has the pod's order. */
    void now(String container, int status, Call call) {
        new Teardown(pod).machine("", call);
        recordEnds(container, status);
    }

    /** For a machine that was to end when the daemon was cut off, and has ended now. */
    void complete() {
        pod.record().containers().values().stream()
                .filter(container -> container.facts().sandbox())
                .map(ContainerRecord::id)
                .findFirst()
                .ifPresent(container -> recordEnds(container, asked(container)));
    }

    private void recordEnds(String container, int status) {
        ProcessId own = ProcessId.first(container);
        Instant now = Instant.now();
        new MachineEnd(pod).processes(id -> !id.equals(own), CAUSE, now);
        if (pod.process(own).phase() != ProcessPhase.PREPARED) {
            pod.exits().record(own, status, now, "");
        }
    }

    /** What the first signal that ended it makes of its exit. */
    private int asked(String container) {
        String verb = KILL + container + " ";
        return pod.record().requests().values().stream()
                .map(RequestRecord::verb)
                .filter(each -> each.startsWith(verb))
                .map(each -> status(Integer.parseInt(each.substring(verb.length()))))
                .flatMap(Optional::stream)
                .findFirst()
                .orElse(KILLED);
    }
}
