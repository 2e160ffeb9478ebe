// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import io.hako.api.types.MemorySize;
import java.util.Map;
import java.util.Optional;

/**
 * What the containers of a pod are to have in common besides the guest itself.
 *
 * @param shareProcesses one namespace of processes
 * @param sysctls kernel parameters of the pod's namespaces by their names (sysctl(8))
 * @param sharedMemory size of the pod's /dev/shm; absent: as it is, or the agent's own choice
 */
public record PodNeeds(
        boolean shareProcesses, Map<String, String> sysctls, Optional<MemorySize> sharedMemory) {
    public PodNeeds {
        sysctls = Map.copyOf(sysctls);
    }
}
