// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import java.util.Map;
import java.util.Optional;

/**
 * What a guest takes, in bytes.
 *
 * @param agentAnonymous Anonymous of the agent's smaps_rollup (proc(5))
 * @param agentPss Pss there
 * @param memoryTotal MemTotal of the guest's /proc/meminfo
 * @param memoryAvailable MemAvailable there
 * @param containers by their ids
 * @param pod all containers together; absent from an agent that does not tell
 */
public record GuestFigures(
        long agentAnonymous,
        long agentPss,
        long memoryTotal,
        long memoryAvailable,
        Map<String, CgroupFigures> containers,
        Optional<CgroupFigures> pod) {
    public GuestFigures {
        containers = Map.copyOf(containers);
    }
}
