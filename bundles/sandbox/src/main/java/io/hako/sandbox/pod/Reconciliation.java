// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.guest.GuestProcess;
import io.hako.guest.GuestProcessId;
import io.hako.host.shim.Shim;
import io.hako.sandbox.ProcessId;
import io.hako.state.ContainerRecord;
import io.hako.state.Entry;
import io.hako.state.ProcessPhase;
import io.hako.state.ProcessRecord;
import io.hako.state.RequestRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Brings the journal's record and the guest's containers together after a daemon was cut off. */
final class Reconciliation {
    static final String DELETE = "Delete ";

    private static final Duration PAUSE = Duration.ofMillis(100);

    private static final Set<GuestProcess.State> STARTED =
            Set.of(GuestProcess.State.RUNNING, GuestProcess.State.PAUSED);

    private final Pod pod;

    Reconciliation(Pod pod) {
        this.pod = pod;
    }

    /**
     * A Delete that was answered, but not yet journalled as done: its caller will not ask again.
     */
    void finishDeletes() {
        for (RequestRecord request : List.copyOf(pod.record().requests().values())) {
            boolean deleted =
                    request.verb().startsWith(DELETE)
                            && request.answer()
                                    .filter(answer -> answer.failure().isEmpty())
                                    .isPresent();
            if (deleted) {
                ProcessId id = id(request.verb().substring(DELETE.length()));
                boolean there =
                        pod.record()
                                .container(id.container())
                                .flatMap(c -> c.process(id.exec()))
                                .isPresent();
                if (there) {
                    pod.journal().append(new Entry.Deleted(id.container(), id.exec()));
                }
            }
        }
    }

    /** Asks the guest what it runs; each process is watched again from here on. */
    void withGuest(Shim shim, Call call) {
        Map<GuestProcessId, GuestProcess> inGuest = inGuest(call);
        DebugShell.endAll(
                pod, inGuest.keySet().stream().filter(GuestProcessId::isOfGuest).toList());
        removeUnknown(inGuest, call);
        for (ContainerRecord container : List.copyOf(pod.record().containers().values())) {
            if (cutOff(container)) {
                removeCutOff(container.id(), call);
                pod.journal().append(new Entry.Deleted(container.id(), ""));
            } else if (!container.facts().sandbox()) {
                processes(container, inGuest, shim, call);
            }
        }
    }

    /** The guest may still be making it, as it was told to; then it cannot be removed yet. */
    private void removeCutOff(String container, Call call) {
        while (true) {
            try {
                new ContainerEnd(pod).remove(container, GuestLink.anew("undo " + container), call);
                return;
            } catch (DriverException e) {
                if (e.failure() != FailureKind.FAILED_PRECONDITION
                        || call.remaining().compareTo(PAUSE) <= 0) {
                    throw e;
                }
                call.checkCancelled();
                LockSupport.parkNanos(PAUSE.toNanos());
            }
        }
    }

    /** Asks the guest which of its containers stand still. */
    void phases(Call call) {
        Map<GuestProcessId, GuestProcess> inGuest = inGuest(call);
        for (ContainerRecord container : List.copyOf(pod.record().containers().values())) {
            Optional<GuestProcess> now =
                    Optional.ofNullable(inGuest.get(GuestProcessId.first(container.id())))
                            .filter(process -> STARTED.contains(process.state()));
            container
                    .process("")
                    .filter(process -> process.phase() != ProcessPhase.CREATED)
                    .filter(process -> process.exit().isEmpty())
                    .ifPresent(process -> now.ifPresent(guest -> moved(process, guest)));
        }
    }

    private Map<GuestProcessId, GuestProcess> inGuest(Call call) {
        return pod.guest().ask(call, (guest, within) -> guest.list(within)).stream()
                .collect(Collectors.toMap(GuestProcess::id, Function.identity()));
    }

    /** Its Create was not finished, so its caller asks again. */
    private static boolean cutOff(ContainerRecord container) {
        return container
                .process("")
                .map(process -> process.phase() == ProcessPhase.PREPARED)
                .orElse(true);
    }

    private void processes(
            ContainerRecord container,
            Map<GuestProcessId, GuestProcess> inGuest,
            Shim shim,
            Call call) {
        for (ProcessRecord process : container.processes().values()) {
            GuestProcessId id = new GuestProcessId(container.id(), process.facts().exec());
            boolean known = inGuest.containsKey(id);
            boolean prepared = process.phase() == ProcessPhase.PREPARED && !known;
            if (process.exit().isEmpty() && !prepared) {
                if (known) {
                    moved(process, inGuest.get(id));
                    shim.joinStdio(Stdio.join(pod, process.facts()), call);
                }
                new ProcessWatch(pod).start(new ProcessId(container.id(), id.exec()));
            }
        }
    }

    private void moved(ProcessRecord process, GuestProcess now) {
        ProcessPhase phase =
                switch (now.state()) {
                    case CREATED -> ProcessPhase.CREATED;
                    case RUNNING, STOPPED ->
                            ProcessPhase.RUNNING; // the exit comes with its status, by the watch
                    case PAUSED -> ProcessPhase.PAUSED;
                };
        if (phase != process.phase()) {
            pod.journal()
                    .append(
                            new Entry.Moved(
                                    process.facts().container(), process.facts().exec(), phase));
        }
    }

    /** What was deleted here while the guest could not be told. */
    private void removeUnknown(Map<GuestProcessId, GuestProcess> inGuest, Call call) {
        List<GuestProcessId> unknown =
                new ArrayList<>(
                        inGuest.keySet().stream()
                                .filter(
                                        id ->
                                                pod.record()
                                                        .container(id.container())
                                                        .flatMap(c -> c.process(id.exec()))
                                                        .isEmpty())
                                .filter(id -> !id.isOfGuest())
                                .filter(id -> inGuest.get(id).state() == GuestProcess.State.STOPPED)
                                .toList());
        for (GuestProcessId id : unknown) {
            try {
                pod.guest()
                        .tell(
                                call,
                                (guest, within) ->
                                        guest.delete(
                                                "forget " + id.container() + "/" + id.exec(),
                                                id,
                                                within));
            } catch (DriverException e) {
                // Gone with its container a moment ago, or not the guest's to forget: harmless
                // either way.
            }
        }
    }

    private static ProcessId id(String text) {
        int slash = text.indexOf('/');
        return slash < 0
                ? ProcessId.first(text)
                : new ProcessId(text.substring(0, slash), text.substring(slash + 1));
    }
}
