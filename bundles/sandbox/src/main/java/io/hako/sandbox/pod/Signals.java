// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.guest.GuestProcessId;
import io.hako.host.shim.Shim;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.RequestKey;
import io.hako.state.MachinePhase;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Signals to what runs in a pod, and what is done where its guest does not take them. */
final class Signals {
    private static final Logger LOG = LoggerFactory.getLogger(Signals.class);
    private static final int SIGKILL = 9;
    private static final Duration KILL_LIMIT = Duration.ofSeconds(10);

    private final Pod pod;

    Signals(Pod pod) {
        this.pod = pod;
    }

    /** To a process that lives. */
    void send(RequestKey key, ProcessId id, int signal, boolean all, Call call) {
        if (pod.phase() == MachinePhase.QUARANTINED) {
            killQuarantined(signal, call);
        } else if (pod.isSandbox(id.container())) {
            new SandboxEnd(pod).signal(id.container(), signal);
        } else if (signal == SIGKILL) {
            kill(key, id, all, call);
        } else {
            tell(key, id, signal, all, call);
        }
    }

    /**
     * A guest that does not even take this is past being asked: its machine is ended, and whatever
     * runs in it.
     */
    private void kill(RequestKey key, ProcessId id, boolean all, Call call) {
        Call limited = CallScope.within(KILL_LIMIT);
        try {
            tell(key, id, SIGKILL, all, Bounded.both(limited, call));
        } catch (DriverException e) {
            boolean unheard =
                    e.failure() == FailureKind.DEADLINE_EXCEEDED
                            && !limited.remaining().isPositive();
            if (!unheard) {
                throw e;
            }
            String cause =
                    "The guest's agent did not take signal %d for %s within %d s, and its virtual machine was ended."
                            .formatted(SIGKILL, id, KILL_LIMIT.toSeconds());
            LOG.error("Sandbox {}: {}", pod.owner(), cause);
            pod.monitor().blame(cause);
            pod.shim(call).signal(pod.monitor().role(), SIGKILL, call);
        }
    }

    private void tell(RequestKey key, ProcessId id, int signal, boolean all, Call call) {
        GuestProcessId process = new GuestProcessId(id.container(), id.exec());
        pod.guest()
                .tell(
                        call,
                        (guest, within) -> guest.signal(key.text(), process, signal, all, within));
    }

    /** The agent cannot be asked, but the whole machine can be ended. */
    private void killQuarantined(int signal, Call call) {
        if (signal != SIGKILL) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "Sandbox %s is quarantined (%s): only signal 9 can be sent, which ends its virtual machine."
                            .formatted(pod.owner(), pod.record().machine().reason()));
        }
        Shim shim = pod.shim(call);
        shim.processes(call).stream()
                .filter(process -> process.end().isEmpty())
                .toList()
                .forEach(process -> shim.signal(process.role(), SIGKILL, call));
    }
}
