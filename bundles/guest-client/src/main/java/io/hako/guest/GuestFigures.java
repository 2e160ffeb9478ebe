// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a guest takes, in bytes.
 *
 * @param agentAnonymous Anonymous of the agent's smaps_rollup (proc(5))
 * @param agentPss Pss there
 * @param memoryTotal MemTotal of the guest's /proc/meminfo
 * @param memoryAvailable MemAvailable there
 * @param pod all containers together; absent from an agent that does not tell
 */
public record GuestFigures(
        long agentAnonymous,
        long agentPss,
        long memoryTotal,
        long memoryAvailable,
        List<ContainerFigures> containers,
        Optional<ContainerFigures> pod) {
    public GuestFigures {
        containers = List.copyOf(containers);
    }

    /**
     * A cgroup's figures as its v2 files tell them (Linux Documentation/admin-guide/cgroup-v2.rst):
     * bytes, microseconds, counts; a limit of 0 means none.
     *
     * @param container id; empty for a pod
     * @param cpu cpu.stat by the kernel's names; likewise {@code memoryStat} and {@code
     *     memoryEvents}
     */
    public record ContainerFigures(
            String container,
            Memory memory,
            Map<String, Long> cpu,
            Map<String, Long> memoryStat,
            Map<String, Long> memoryEvents,
            long pids,
            long pidsLimit,
            List<Disk> disks,
            List<HugePages> hugePages) {
        public ContainerFigures {
            cpu = Map.copyOf(cpu);
            memoryStat = Map.copyOf(memoryStat);
            memoryEvents = Map.copyOf(memoryEvents);
            disks = List.copyOf(disks);
            hugePages = List.copyOf(hugePages);
        }
    }

    /** memory.current, memory.max, memory.peak, and the same of memory.swap. */
    public record Memory(
            long current, long limit, long peak, long swapCurrent, long swapLimit, long swapPeak) {}

    /** One device of io.stat, by the guest's numbers. */
    public record Disk(
            int major, int minor, long bytesRead, long bytesWritten, long reads, long writes) {}

    /**
     * hugetlb.SIZE.current and max.
     *
     * @param size as the file's name has it: 2MB
     */
    public record HugePages(String size, long current, long limit) {}
}
