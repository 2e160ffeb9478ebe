// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import java.util.List;
import java.util.Map;

/**
 * A cgroup's figures as its v2 files tell them (Linux Documentation/admin-guide/cgroup-v2.rst):
 * bytes, microseconds, counts; a limit of 0 means none.
 *
 * @param cpu cpu.stat by the kernel's names; likewise {@code memoryStat} and {@code memoryEvents}
 */
public record CgroupFigures(
        Memory memory,
        Map<String, Long> cpu,
        Map<String, Long> memoryStat,
        Map<String, Long> memoryEvents,
        long pids,
        long pidsLimit,
        List<Disk> disks,
        List<HugePages> hugePages) {
    public CgroupFigures {
        cpu = Map.copyOf(cpu);
        memoryStat = Map.copyOf(memoryStat);
        memoryEvents = Map.copyOf(memoryEvents);
        disks = List.copyOf(disks);
        hugePages = List.copyOf(hugePages);
    }

    /** Of an agent that tells of its memory alone. */
    public static CgroupFigures ofMemory(Memory memory) {
        return new CgroupFigures(memory, Map.of(), Map.of(), Map.of(), 0, 0, List.of(), List.of());
    }

    /** The same with other figures of memory. */
    public CgroupFigures with(Memory other) {
        return new CgroupFigures(
                other, cpu, memoryStat, memoryEvents, pids, pidsLimit, disks, hugePages);
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
