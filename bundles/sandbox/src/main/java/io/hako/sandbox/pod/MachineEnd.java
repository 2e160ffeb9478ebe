// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmEnd;
import io.hako.api.hypervisor.VmExit;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.driverhost.Lease;
import io.hako.host.shim.ShimProcess;
import io.hako.sandbox.ProcessId;
import io.hako.state.MachinePhase;
import io.hako.state.ProcessPhase;
import io.hako.state.ProcessRecord;
import io.hako.ttrpc.CallScope;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a machine that nobody here asked for: its containers end with it, within a second and
 * with the cause.
 */
final class MachineEnd {
    private static final Logger LOG = LoggerFactory.getLogger(MachineEnd.class);
    private static final int KILLED = 137;
    private static final int SIGKILL = 9;
    private static final Duration QUESTION_LIMIT = Duration.ofMillis(300);
    private static final Duration DRAIN_LIMIT = Duration.ofMillis(200);
    private static final Duration UNDO_LIMIT = Duration.ofSeconds(30);

    private final Pod pod;

    MachineEnd(Pod pod) {
        this.pod = pod;
    }

    /**
     * The shim tells of its processes; if the monitor is among the ended ones, acts on it once.
     * Returns when all is done.
     */
    void seen(List<ShimProcess> processes) {
        pod.monitor().seen(processes).ifPresent(this::ended);
        processes.stream().filter(this::isEndedHelper).findFirst().ifPresent(this::helperEnded);
        if (pod.phase() == MachinePhase.QUARANTINED && pod.monitor().role().isEmpty()) {
            endedInQuarantine();
        }
    }

    /**
     * Without its driver nobody knows which process the machine is: it has ended when none is left.
     */
    private void endedInQuarantine() {
        try {
            Call call = CallScope.within(UNDO_LIMIT);
            if (pod.shim(call).processes(call).stream()
                    .allMatch(process -> process.end().isPresent())) {
                over(
                        "The virtual machine ended in quarantine: "
                                + pod.record().machine().reason(),
                        Instant.now());
            }
        } catch (DriverException e) {
            LOG.error("Sandbox {}: its processes are not known: {}", pod.owner(), e.getMessage());
        }
    }

    private boolean isEndedHelper(ShimProcess process) {
        String monitor = pod.monitor().role();
        return process.end().isPresent() && !monitor.isEmpty() && !process.role().equals(monitor);
    }

    /**
     * Every access of the guest to what the process served would hang for ever: the machine is
     * ended. But it ends by itself when the monitor does, and may be reported first: the monitor
     * gets a moment to be the cause.
     */
    private void helperEnded(ShimProcess helper) {
        boolean wanted =
                switch (pod.phase()) {
                    case STOPPING, OFF, UNDOING -> true;
                    case STARTING, RUNNING, QUARANTINED -> false;
                };
        if (wanted || pod.monitor().awaitEnd(CallScope.within(QUESTION_LIMIT))) {
            return;
        }
        String cause =
                "The process %s %s, and the virtual machine cannot go on without it."
                        .formatted(helper.role(), how(helper));
        LOG.error("Sandbox {}: {}", pod.owner(), cause);
        pod.monitor().blame(cause);
        try {
            Call call = CallScope.within(UNDO_LIMIT);
            pod.shim(call).signal(pod.monitor().role(), SIGKILL, call);
        } catch (DriverException e) {
            LOG.error(
                    "Sandbox {}: its machine could not be ended: {}", pod.owner(), e.getMessage());
        }
    }

    /** Ends what still runs in a machine that is no more. */
    void over(String cause, Instant at) {
        processes(id -> true, cause, at);
        Duration late = Duration.between(at, Instant.now());
        LOG.info(
                "Sandbox {}: whoever waits was told {} ms after the end of its machine.",
                pod.owner(),
                late.toMillis());
        pod.events().died(cause, event -> event.took(late));
        pod.locked(
                () -> {
                    if (!pod.isGone()) {
                        new Teardown(pod)
                                .machine(
                                        cause,
                                        Bounded.both(CallScope.within(UNDO_LIMIT), pod.life()));
                    }
                    return true;
                });
    }

    /** Records the end of those processes that still ran, once their output is delivered. */
    void processes(Predicate<ProcessId> which, String cause, Instant at) {
        pod.disconnect();
        List<Thread> threads = new ArrayList<>();
        for (ProcessId id : live().stream().filter(which).toList()) {
            threads.add(
                    Thread.ofVirtual()
                            .name("end " + id)
                            .start(
                                    () -> {
                                        new ProcessWatch(pod)
                                                .drain(
                                                        id,
                                                        DRAIN_LIMIT,
                                                        CallScope.within(QUESTION_LIMIT));
                                        record(id, at, cause);
                                    }));
        }
        threads.forEach(MachineEnd::join);
    }

    /**
     * The shim has died, and with it every process of its own: this is said before what it left is
     * taken away, which may take its time.
     */
    void withItsShim(String cause) {
        pod.disconnect();
        live().forEach(id -> record(id, Instant.now(), cause));
        pod.events().died(cause, UnaryOperator.identity());
        pod.dead();
        pod.locked(
                () -> {
                    if (!pod.isGone() && pod.phase() != MachinePhase.OFF) {
                        pod.phase(MachinePhase.OFF, cause);
                    }
                    return true;
                });
    }

    private void record(ProcessId id, Instant at, String cause) {
        try {
            pod.exits().record(id, KILLED, at, cause);
        } catch (
                DriverException
                        e) { // the sandbox was taken away meanwhile, and nobody can ask any more
            LOG.debug(
                    "Sandbox {}: the end of {} was not journalled: {}",
                    pod.owner(),
                    id,
                    e.getMessage());
        }
    }

    /**
     * One sentence: why the machine ended. Asks for at most half a second; less is known then, and
     * never nothing.
     */
    String cause(ShimProcess monitor) {
        return pod.monitor().blame().orElseGet(() -> explained(monitor));
    }

    private String explained(ShimProcess monitor) {
        ExitStatus status =
                monitor.end().map(ShimProcess.End::status).orElse(new ExitStatus.Exited(0));
        Optional<Lease<Vm>> vm = pod.vm();
        if (vm.isPresent()) {
            try {
                Call call = CallScope.within(QUESTION_LIMIT);
                VmEnd end =
                        new VmEnd(
                                status,
                                pod.phase() == MachinePhase.STOPPING,
                                pod.guest().farewell(),
                                output(monitor, call));
                return sentence(vm.get().with(call, machine -> machine.explain(end)));
            } catch (DriverException e) {
                LOG.debug(
                        "Sandbox {}: the driver did not explain the end: {}",
                        pod.owner(),
                        e.getMessage());
            }
        }
        return "The virtual machine monitor %s.".formatted(how(monitor));
    }

    private static String how(ShimProcess process) {
        ExitStatus status =
                process.end().map(ShimProcess.End::status).orElse(new ExitStatus.Exited(0));
        return switch (status) {
            case ExitStatus.Exited exited -> "ended with status %d".formatted(exited.code());
            case ExitStatus.Signalled signalled ->
                    "was ended by signal %d".formatted(signalled.signal());
        };
    }

    private void ended(ShimProcess monitor) {
        MachinePhase phase = pod.phase();
        if (phase == MachinePhase.RUNNING || phase == MachinePhase.QUARANTINED) {
            String cause = cause(monitor);
            LOG.warn("Sandbox {}: its machine ended: {}", pod.owner(), cause);
            over(cause, monitor.end().map(ShimProcess.End::at).orElseGet(Instant::now));
        } else {
            pod.guest().close(); // whoever starts or stops it hears of it by that
        }
    }

    private String output(ShimProcess monitor, Call call) {
        try {
            return new String(
                    pod.shim(call).output(monitor.role(), call).newest(), StandardCharsets.UTF_8);
        } catch (DriverException e) {
            return "";
        }
    }

    private static String sentence(VmExit exit) {
        return switch (exit) {
            case VmExit.Requested requested -> "The virtual machine was powered off.";
            case VmExit.GuestPowerOff off -> "The guest powered itself off: " + off.farewell();
            case VmExit.Crashed crashed -> crashed.cause();
        };
    }

    /**
     * All that have not ended, but a first process that is being created: its creation fails by
     * itself.
     */
    private List<ProcessId> live() {
        return pod.record().containers().values().stream()
                .flatMap(container -> container.processes().values().stream())
                .filter(MachineEnd::lives)
                .map(process -> new ProcessId(process.facts().container(), process.facts().exec()))
                .toList();
    }

    private static boolean lives(ProcessRecord process) {
        boolean creating =
                process.phase() == ProcessPhase.PREPARED && process.facts().exec().isEmpty();
        return process.exit().isEmpty() && !creating;
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
