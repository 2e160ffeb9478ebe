// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.guest.GuestFigures;
import io.hako.host.ProcessFigures;
import io.hako.host.shim.ShimIdentity;
import io.hako.host.shim.ShimProcess;
import io.hako.sandbox.Overhead;
import io.hako.sandbox.SandboxView;
import io.hako.state.ContainerRecord;
import io.hako.state.Entry;
import io.hako.state.MachinePhase;
import io.hako.state.ProcessRecord;
import io.hako.state.SandboxRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A pod as people see it. A view waits for nothing: it is made of what is journalled. */
final class Views {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private Views() {}

    static SandboxView view(Pod pod) {
        SandboxRecord record = pod.record();
        Optional<ContainerRecord> first = record.containers().values().stream().findFirst();
        Optional<Entry.Container> facts = first.map(ContainerRecord::facts);
        Optional<ProcessRecord> process = first.flatMap(container -> container.process(""));
        return new SandboxView(
                pod.owner(),
                record.identity().namespace(),
                record.identity().id(),
                facts.map(Entry.Container::name).orElse(""),
                facts.map(Entry.Container::image).orElse(""),
                state(record.machine().phase(), process),
                record.identity().created(),
                facts.map(Entry.Container::command).orElse(List.of()),
                drivers(record),
                runs(record.machine().phase()) ? record.machine().pid() : 0,
                process.flatMap(ProcessRecord::exit).map(pod.exits()::answer),
                reason(record, process));
    }

    private static SandboxView.State state(MachinePhase phase, Optional<ProcessRecord> process) {
        if (phase == MachinePhase.QUARANTINED) {
            return SandboxView.State.QUARANTINED;
        }
        if (process.isEmpty()) {
            return phase == MachinePhase.STARTING
                    ? SandboxView.State.CREATING
                    : SandboxView.State.STOPPED;
        }
        return switch (process.get().phase()) {
            case PREPARED -> over(phase) ? SandboxView.State.STOPPED : SandboxView.State.CREATING;
            case CREATED -> SandboxView.State.CREATED;
            case RUNNING -> SandboxView.State.RUNNING;
            case PAUSED -> SandboxView.State.PAUSED;
            case STOPPED -> SandboxView.State.STOPPED;
        };
    }

    private static boolean runs(MachinePhase phase) {
        return switch (phase) {
            case RUNNING, STOPPING, QUARANTINED -> true;
            case STARTING, OFF, UNDOING -> false;
        };
    }

    private static boolean over(MachinePhase phase) {
        return switch (phase) {
            case OFF, UNDOING -> true;
            case STARTING, RUNNING, STOPPING, QUARANTINED -> false;
        };
    }

    private static String reason(SandboxRecord record, Optional<ProcessRecord> process) {
        String machine = record.machine().reason();
        return machine.isEmpty()
                ? process.flatMap(ProcessRecord::exit).map(Entry.Exited::reason).orElse("")
                : machine;
    }

    private static Map<String, String> drivers(SandboxRecord record) {
        Map<String, String> drivers = new LinkedHashMap<>();
        record.handles().values().stream()
                .map(handle -> DriverId.parse(handle.driver()))
                .forEach(id -> drivers.putIfAbsent(id.kind().word(), id.name()));
        return drivers;
    }

    /** What cannot be measured any more because it has ended is left out. */
    static Overhead overhead(Pod pod, Call outer) {
        Call call = Bounded.within(PATIENCE, outer);
        List<Overhead.ProcessCost> costs = new ArrayList<>();
        pod.shim(call).processes(call).stream()
                .filter(process -> process.end().isEmpty())
                .forEach(process -> cost(pod, process).ifPresent(costs::add));
        pod.shimIdentity().flatMap(shim -> cost(pod, shim)).ifPresent(costs::add);
        List<Overhead.StartStep> steps =
                pod.record().steps().stream()
                        .map(step -> new Overhead.StartStep(step.name(), step.micros() / 1000.0))
                        .toList();
        if (!new Queries(pod).guestAnswers()) {
            return new Overhead(costs, 0, 0, 0, steps);
        }
        GuestFigures guest =
                pod.guest().ask(call, (agent, within) -> agent.stats(List.of(), within));
        return new Overhead(
                costs, guest.agentAnonymous(), guest.memoryTotal(), guest.memoryAvailable(), steps);
    }

    private static Optional<Overhead.ProcessCost> cost(Pod pod, ShimProcess process) {
        return cost(pod, process.role(), process.pid());
    }

    private static Optional<Overhead.ProcessCost> cost(Pod pod, ShimIdentity shim) {
        return cost(pod, "shim", shim.pid());
    }

    private static Optional<Overhead.ProcessCost> cost(Pod pod, String role, int pid) {
        try {
            ProcessFigures figures = pod.node().remains().figures(pid);
            return Optional.of(
                    new Overhead.ProcessCost(
                            role,
                            pid,
                            figures.pss(),
                            figures.anonymous(),
                            figures.cpu().toMillis()));
        } catch (DriverException e) {
            return Optional.empty();
        }
    }
}
