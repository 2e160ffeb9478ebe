// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.driver.Handle;
import io.hako.api.hypervisor.Vm;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.driverhost.Lease;
import io.hako.host.shim.Shim;
import io.hako.state.Effect;
import io.hako.state.MachinePhase;
import io.hako.state.SandboxRecord;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends a machine and takes away what was made, in the reverse order of making, from what the
 * journal says. Repeatable from any point. The caller has the pod's order.
 */
final class Teardown {
    private static final Logger LOG = LoggerFactory.getLogger(Teardown.class);
    private static final Duration AGENT_LIMIT = Duration.ofSeconds(5);
    private static final Duration MONITOR_LIMIT = Duration.ofSeconds(10);

    private final Pod pod;

    Teardown(Pod pod) {
        this.pod = pod;
    }

    /**
     * Ends the machine, if it has not ended, and destroys the drivers' handles. What a driver fails
     * to undo stays journalled for {@link #everything}.
     *
     * @param reason why, if by other means than the containers' own end; else empty
     */
    void machine(String reason, Call call) {
        long begun = System.nanoTime();
        MachinePhase phase = pod.phase();
        boolean on = phase == MachinePhase.RUNNING || phase == MachinePhase.STOPPING;
        if (on && pod.vm().isPresent() && pod.monitor().ended().isEmpty()) {
            pod.phase(MachinePhase.STOPPING, "");
            powerOff(pod.vm().get(), call);
        }
        pod.disconnect();
        handles(call).ifPresent(e -> LOG.error("Sandbox {}: {}", pod.owner(), e.getMessage()));
        if (phase != MachinePhase.OFF) {
            pod.phase(MachinePhase.OFF, reason);
            Duration took = Duration.ofNanos(System.nanoTime() - begun);
            pod.events().tell("stop", event -> event.because(reason).took(took));
        }
    }

    /**
     * Takes everything away, and the journal last: the sandbox is gone.
     *
     * @throws DriverException the first failure; whatever could be undone is, and this can be
     *     called again
     */
    void everything(Call call) {
        pod.phase(MachinePhase.UNDOING, pod.record().machine().reason());
        pod.disconnect();
        Optional<DriverException> failure = handles(call);
        Shim shim = pod.shim(call);
        for (String slot : slots().reversed()) {
            if (own(slot)) {
                pod.effects().undo(slot, shim, call);
            }
        }
        if (failure.isPresent()) {
            throw failure.get();
        }
        pod.drivers().close();
        pod.journal().remove();
        pod.gone();
    }

    /** The same where the shim, and every process with it, has died. */
    void withoutShim(Call call) {
        pod.disconnect();
        for (String slot : slots().reversed()) {
            if (!own(slot)) {
                pod.drivers().undo(slot, call);
            }
        }
        pod.drivers().close();
        pod.effects().undoWithoutShim(call);
        pod.node().remains().sweep(pod.directory(), pod.effects().cgroup(), call);
        pod.journal().remove();
        pod.gone();
    }

    private Optional<DriverException> handles(Call call) {
        Optional<DriverException> failure = Optional.empty();
        for (String slot : slots().reversed()) {
            try {
                if (!own(slot)) {
                    destroy(slot, call);
                }
            } catch (DriverException e) {
                failure = failure.isPresent() ? failure : Optional.of(e);
            }
        }
        return failure;
    }

    /** A handle that its driver cannot destroy is undone from the journal. */
    private void destroy(String slot, Call call) {
        Optional<? extends Lease<? extends Handle>> lease =
                Stream.of(pod.vm().stream(), pod.share().stream(), pod.networks().stream())
                        .flatMap(leases -> leases)
                        .filter(held -> held.slot().equals(slot))
                        .findFirst();
        try {
            if (lease.isPresent()) {
                lease.get().destroy(call);
                return;
            }
        } catch (DriverException e) {
            LOG.warn(
                    "Sandbox {}: the driver of {} could not destroy it: {}",
                    pod.owner(),
                    slot,
                    e.getMessage());
        }
        pod.drivers().undo(slot, call);
    }

    private void powerOff(Lease<Vm> vm, Call call) {
        try {
            pod.guest()
                    .tell(
                            Bounded.within(AGENT_LIMIT, call),
                            (guest, within) ->
                                    guest.powerOff(
                                            "power-off", "All containers have ended.", within));
            if (pod.monitor().awaitEnd(Bounded.within(AGENT_LIMIT, call))) {
                return;
            }
        } catch (DriverException e) {
            LOG.debug(
                    "Sandbox {}: the agent did not power the guest off: {}",
                    pod.owner(),
                    e.getMessage());
        }
        try {
            Call within = Bounded.within(MONITOR_LIMIT, call);
            vm.run(within, machine -> machine.powerOff(within));
        } catch (DriverException e) {
            LOG.warn(
                    "Sandbox {}: the monitor did not power the guest off, it is killed: {}",
                    pod.owner(),
                    e.getMessage());
        }
    }

    /** In the order in which they were begun. */
    private SequencedSet<String> slots() {
        SandboxRecord record = pod.record();
        SequencedSet<String> slots =
                new LinkedHashSet<>(record.effects().stream().map(Effect::slot).toList());
        record.handles().keySet().forEach(slots::add);
        return slots;
    }

    private static boolean own(String slot) {
        return slot.equals(HostEffects.POD) || slot.startsWith(HostEffects.slot(""));
    }
}
