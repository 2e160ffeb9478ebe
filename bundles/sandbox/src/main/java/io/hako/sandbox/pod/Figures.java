// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.guest.CgroupFigures;
import io.hako.guest.GuestFigures;
import java.util.List;
import java.util.Optional;

/** What the containers of a pod use, as its guest tells. */
record Figures(Pod pod) {
    /** Of one container; of a sandbox container all that the guest uses. */
    CgroupFigures of(String container, Call call) {
        boolean sandbox = pod.isSandbox(container);
        pod.requireRunning("measured");
        GuestFigures guest =
                pod.guest().ask(call, (agent, within) -> agent.stats(List.of(container), within));
        return sandbox
                ? whole(guest)
                : Optional.ofNullable(guest.containers().get(container))
                        .orElseThrow(
                                () ->
                                        new DriverException(
                                                FailureKind.NOT_FOUND,
                                                "The guest has no container %s."
                                                        .formatted(container)));
    }

    /** Memory is all that the guest has and that is not free to be had, its kernel's included. */
    private static CgroupFigures whole(GuestFigures guest) {
        long used = Math.max(0, guest.memoryTotal() - guest.memoryAvailable());
        CgroupFigures.Memory memory =
                new CgroupFigures.Memory(used, guest.memoryTotal(), 0, 0, 0, 0);
        return guest.pod()
                .map(containers -> containers.with(memory))
                .orElseGet(() -> CgroupFigures.ofMemory(memory));
    }
}
