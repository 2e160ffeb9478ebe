// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.hypervisor.Vm;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import io.hako.host.shim.Shim;
import io.hako.host.shim.ShimProcess;
import io.hako.state.Entry;
import io.hako.state.MachinePhase;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes a sandbox up again that an earlier daemon left. It ends in one of three ways: adopted;
 * quarantined (it runs on, is shown, and the next daemon tries again); or gone (what was left is
 * undone from the journal). It never kills what runs.
 */
final class Adoption {
    private static final Logger LOG = LoggerFactory.getLogger(Adoption.class);
    private static final Duration LIMIT = Duration.ofMinutes(1);
    private static final Duration HELLO_LIMIT = Duration.ofSeconds(2);
    private static final String DEAD =
            "Its shim ended while no daemon ran, and its virtual machine with it.";

    private final Pod pod;

    Adoption(Pod pod) {
        this.pod = pod;
    }

    /** Runs to its end, whatever that is. Then the pod is ready, or gone. */
    void run() {
        long begun = System.nanoTime();
        try {
            Optional<Shim> shim = shim();
            if (shim.isEmpty()) {
                LOG.info("Sandbox {}: {}", pod.owner(), DEAD);
                new MachineEnd(pod).withItsShim(DEAD);
                pod.removal().run();
            } else if (pod.locked(() -> over(shim.get(), CallScope.within(LIMIT)))) {
                pod.removal().run();
            } else {
                adopted(begun);
            }
        } catch (DriverException e) {
            quarantine(e);
        } finally {
            pod.ready();
        }
    }

    /** Its link; empty if it is dead. One that lives connects by itself. */
    private Optional<Shim> shim() {
        while (true) {
            Optional<Shim> linked = pod.node().shims().find(pod.owner());
            if (linked.isPresent() || !pod.node().remains().shimLives(pod.directory())) {
                return linked;
            }
            try {
                return Optional.of(
                        pod.node()
                                .shims()
                                .await(pod.owner(), Bounded.within(HELLO_LIMIT, pod.life())));
            } catch (DriverException e) {
                pod.life().checkCancelled();
                LOG.warn("Sandbox {}: its shim lives but has not connected yet.", pod.owner());
            }
        }
    }

    /**
     * Takes up what there is.
     *
     * @return whether the sandbox is to be taken away
     */
    private boolean over(Shim shim, Call call) {
        pod.shimIdentity(shim.identity());
        boolean another = !shim.identity().instance().equals(pod.record().identity().instance());
        Reconciliation reconciliation = new Reconciliation(pod);
        reconciliation.finishDeletes();
        return switch (another ? MachinePhase.UNDOING : pod.phase()) {
            case RUNNING, QUARANTINED -> over(shim, reconciliation, call);
            case STOPPING, OFF -> {
                ending(shim, call);
                yield false;
            }
            case STARTING, UNDOING -> {
                LOG.info(
                        "Sandbox {}: {}",
                        pod.owner(),
                        another ? "another shim has its id." : "it was cut off and is undone.");
                yield true;
            }
        };
    }

    private boolean over(Shim shim, Reconciliation reconciliation, Call call) {
        List<ShimProcess> processes = shim.processes(call);
        if (processes.stream().allMatch(process -> process.end().isPresent()) && !vmKnown(call)) {
            new MachineEnd(pod)
                    .over("The virtual machine ended while no daemon ran.", Instant.now());
            return false;
        }
        pod.vm(pod.drivers().adoptVm(Pod.VM_SLOT, call));
        pod.monitor().is(pod.vm().orElseThrow().with(call, Vm::monitorRole));
        // Asked again: an end that was told before the monitor's role was known went unheeded.
        new MachineEnd(pod).seen(shim.processes(call));
        if (pod.monitor().ended().isPresent()) {
            return false;
        }
        pod.share(pod.drivers().adoptStorage(Pod.SHARE_SLOT, call));
        pod.networks(networkSlots().map(slot -> pod.drivers().adoptNetwork(slot, call)).toList());
        reconciliation.withGuest(shim, call);
        if (pod.phase() == MachinePhase.QUARANTINED) {
            pod.phase(MachinePhase.RUNNING, "");
        }
        if (pod.record().containers().isEmpty()) {
            return neverWas(call);
        }
        new ProcessWatch(pod).stopIfIdle();
        followNetwork(call);
        LOG.info("Sandbox {}: adopted.", pod.owner());
        return false;
    }

    /** What changed while no daemon ran is brought to the guest too. */
    private void followNetwork(Call call) {
        try {
            pod.follower().start(Optional.empty(), call);
        } catch (DriverException e) {
            LOG.warn(
                    "Sandbox {}: changes of its network are not followed: {}",
                    pod.owner(),
                    e.getMessage());
        }
    }

    private Stream<String> networkSlots() {
        return pod.record().handles().values().stream()
                .filter(handle -> DriverId.parse(handle.driver()).kind() == DriverKind.NETWORK)
                .map(Entry.Handle::slot);
    }

    /**
     * Whether the first start was cut off. If not, the last container is deleted: the machine is
     * ended, and the answers are kept until the shutdown.
     */
    private boolean neverWas(Call call) {
        boolean answered =
                pod.record().requests().values().stream()
                        .anyMatch(request -> request.answer().isPresent());
        if (answered) {
            new Teardown(pod).machine("", call);
        }
        return !answered;
    }

    /** Whether the monitor's driver takes it up, if only to explain its end. */
    private boolean vmKnown(Call call) {
        try {
            pod.vm(pod.drivers().adoptVm(Pod.VM_SLOT, call));
            return true;
        } catch (DriverException e) {
            LOG.warn(
                    "Sandbox {}: its ended machine is not explained: {}",
                    pod.owner(),
                    e.getMessage());
            return false;
        }
    }

    /** Its machine had ended or was to: that is completed. */
    private void ending(Shim shim, Call call) {
        if (pod.record().handles().containsKey(Pod.VM_SLOT) && vmKnown(call)) {
            pod.monitor().is(pod.vm().orElseThrow().with(call, Vm::monitorRole));
            pod.monitor().seen(shim.processes(call));
        }
        new Teardown(pod).machine(pod.record().machine().reason(), call);
        new SandboxEnd(pod).complete();
    }

    private void adopted(long begun) {
        Duration took = Duration.ofNanos(System.nanoTime() - begun);
        String phase = pod.phase().name().toLowerCase(Locale.ROOT);
        pod.events().tell("adopt", event -> event.took(took).with("machine", phase));
    }

    private void quarantine(DriverException e) {
        LOG.error("Sandbox {}: quarantined, it runs on as it is: {}", pod.owner(), e.getMessage());
        pod.events().tell("quarantine", event -> event.because(e.getMessage()));
        try {
            pod.phase(MachinePhase.QUARANTINED, e.getMessage());
        } catch (DriverException gone) {
            LOG.debug("Sandbox {}: {}", pod.owner(), gone.getMessage());
        }
    }
}
