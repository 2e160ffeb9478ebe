// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.guest.GuestFigures;
import io.hako.sandbox.ContainerFigures;
import java.util.List;
import java.util.Map;

/** What the containers of a pod use, as its guest tells. */
record Figures(Pod pod) {
    /** Of one container; of a sandbox container all that the guest uses. */
    ContainerFigures of(String container, Call call) {
        boolean sandbox = pod.isSandbox(container);
        pod.requireRunning("measured");
        GuestFigures guest =
                pod.guest().ask(call, (agent, within) -> agent.stats(List.of(container), within));
        return sandbox
                ? whole(guest)
                : guest.containers().stream()
                        .filter(of -> of.container().equals(container))
                        .findFirst()
                        .map(of -> told(of, memory(of.memory())))
                        .orElseThrow(
                                () ->
                                        new DriverException(
                                                FailureKind.NOT_FOUND,
                                                "The guest has no container %s."
                                                        .formatted(container)));
    }

    /** Memory is all that the guest has and that is not free to be had, its kernel's included. */
    private static ContainerFigures whole(GuestFigures guest) {
        long used = Math.max(0, guest.memoryTotal() - guest.memoryAvailable());
        ContainerFigures.Memory memory =
                new ContainerFigures.Memory(used, guest.memoryTotal(), 0, 0, 0, 0);
        return guest.pod()
                .map(containers -> told(containers, memory))
                .orElseGet(
                        () ->
                                new ContainerFigures(
                                        memory, Map.of(), Map.of(), Map.of(), 0, 0, List.of(),
                                        List.of()));
    }

    private static ContainerFigures.Memory memory(GuestFigures.Memory of) {
        return new ContainerFigures.Memory(
                of.current(),
                of.limit(),
                of.peak(),
                of.swapCurrent(),
                of.swapLimit(),
                of.swapPeak());
    }

    private static ContainerFigures told(
            GuestFigures.ContainerFigures of, ContainerFigures.Memory memory) {
        return new ContainerFigures(
                memory,
                of.cpu(),
                of.memoryStat(),
                of.memoryEvents(),
                of.pids(),
                of.pidsLimit(),
                of.disks().stream()
                        .map(
                                d ->
                                        new ContainerFigures.Disk(
                                                d.major(),
                                                d.minor(),
                                                d.bytesRead(),
                                                d.bytesWritten(),
                                                d.reads(),
                                                d.writes()))
                        .toList(),
                of.hugePages().stream()
                        .map(p -> new ContainerFigures.HugePages(p.size(), p.current(), p.limit()))
                        .toList());
    }
}
