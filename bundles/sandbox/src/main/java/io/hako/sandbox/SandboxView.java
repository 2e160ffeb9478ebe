// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

import io.hako.api.types.OwnerId;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One sandbox in a list, as of now.
 *
 * @param id on this node
 * @param namespace containerd's, or "hako"
 * @param sandboxId the sandbox container's id, unique within the namespace
 * @param name annotation {@code io.hako.name}; empty if it has none
 * @param image annotation {@code io.hako.image}; empty if it has none
 * @param command argv of the sandbox container's process
 * @param drivers driver names by kind: hypervisor, network, storage; a kind without a driver is
 *     absent
 * @param vmmPid 0 where no machine runs
 * @param exit of the sandbox container, once it has stopped
 * @param reason one sentence: why it stopped by other means than its own exit, or why it is
 *     quarantined; else empty
 */
public record SandboxView(
        OwnerId id,
        String namespace,
        String sandboxId,
        String name,
        String image,
        State state,
        Instant created,
        List<String> command,
        Map<String, String> drivers,
        int vmmPid,
        Optional<ProcessExit> exit,
        String reason) {
    public SandboxView {
        command = List.copyOf(command);
        drivers = Map.copyOf(drivers);
    }

    /** What a person sees in the list, lower case. */
    public enum State {
        CREATING,
        CREATED,
        RUNNING,
        PAUSED,
        STOPPED,
        QUARANTINED
    }
}
