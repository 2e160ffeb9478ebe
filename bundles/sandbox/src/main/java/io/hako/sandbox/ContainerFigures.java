// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

/**
 * A container's figures as its guest's cgroup v2 files give them: bytes, microseconds, counts. A
 * limit of 0 means none.
 */
public record ContainerFigures(
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
