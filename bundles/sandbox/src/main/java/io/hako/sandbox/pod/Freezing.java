// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.sandbox.ProcessId;
import io.hako.state.ContainerRecord;
import io.hako.state.Entry;
import io.hako.state.ProcessPhase;
import io.hako.state.ProcessRecord;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;

/**
 * Has a container stand still, or with the sandbox container all that runs in the pod; and go on.
 * What does not stand still in time goes on: the agent lets it.
 */
record Freezing(Pod pod) {
    /** A process that the kernel cannot stop is one that waits for a file system. */
    private static final Duration LIMIT = Duration.ofSeconds(30);

    void pause(String container, Call call) {
        pod.locked(() -> move(container, ProcessPhase.RUNNING, ProcessPhase.PAUSED, call));
    }

    void resume(String container, Call call) {
        pod.locked(() -> move(container, ProcessPhase.PAUSED, ProcessPhase.RUNNING, call));
    }

    private boolean move(String container, ProcessPhase from, ProcessPhase to, Call outer) {
        Call call = Bounded.within(LIMIT, outer);
        String what = to == ProcessPhase.PAUSED ? "paused" : "resumed";
        ProcessPhase phase = pod.process(ProcessId.first(container)).phase();
        boolean sandbox = pod.isSandbox(container);
        if (phase != to || sandbox) {
            if (phase != from && phase != to) {
                throw refused(container, what, "it does not run");
            }
            pod.requireRunning(what);
            if (!sandbox && podIsPaused()) {
                throw refused(container, what, "its pod is paused; resume the sandbox first");
            }
            tell(sandbox ? "" : container, to, call);
            if (phase != to) {
                pod.journal().append(new Entry.Moved(container, "", to));
            }
            if (sandbox) {
                new Reconciliation(pod).phases(call);
            }
        }
        return true;
    }

    /**
     * @param container empty: all of the pod
     */
    private void tell(String container, ProcessPhase to, Call call) {
        pod.guest()
                .tell(
                        call,
                        (guest, within) -> {
                            if (to == ProcessPhase.PAUSED) {
                                guest.pause(container, within);
                            } else {
                                guest.resume(container, within);
                            }
                        });
    }

    private boolean podIsPaused() {
        return List.copyOf(pod.record().containers().values()).stream()
                .filter(container -> container.facts().sandbox())
                .flatMap(Freezing::first)
                .anyMatch(process -> process.phase() == ProcessPhase.PAUSED);
    }

    private static Stream<ProcessRecord> first(ContainerRecord container) {
        return container.process("").stream();
    }

    private static DriverException refused(String container, String what, String why) {
        return new DriverException(
                FailureKind.FAILED_PRECONDITION,
                "Container %s cannot be %s: %s.".formatted(container, what, why));
    }
}
