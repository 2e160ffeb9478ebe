// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import java.util.List;

/**
 * What a guest takes, in bytes.
 *
 * @param agentAnonymous Anonymous of the agent's smaps_rollup (proc(5))
 * @param agentPss Pss there
 * @param memoryTotal MemTotal of the guest's /proc/meminfo
 * @param memoryAvailable MemAvailable there
 */
public record GuestFigures(
        long agentAnonymous,
        long agentPss,
        long memoryTotal,
        long memoryAvailable,
        List<ContainerFigures> containers) {
    public GuestFigures {
        containers = List.copyOf(containers);
    }

    /** A container's cgroup v2 figures: bytes, microseconds, counts; a limit of 0 means none. */
    public record ContainerFigures(
            String container,
            long memoryCurrent,
            long memoryInactiveFile,
            long memoryLimit,
            long memoryPeak,
            long cpuUsageMicros,
            long cpuUserMicros,
            long cpuSystemMicros,
            long pidsCurrent,
            long pidsLimit,
            long oomKills) {}
}
