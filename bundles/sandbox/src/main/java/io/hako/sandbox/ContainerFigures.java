// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

import java.util.List;
import java.util.Map;

/**
 * A container's figures as its guest's cgroup v2 files give them: bytes, microseconds, counts. A
 * limit of 0 means none.
 *
 * @param cpu cpu.stat by the kernel's names (Linux Documentation/admin-guide/cgroup-v2.rst);
 *     likewise {@code memoryStat} and {@code memoryEvents}
 */
public record ContainerFigures(
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

    /** What is used, may be used, and was used at most; then of swap space. */
    public record Memory(
            long current, long limit, long peak, long swapCurrent, long swapLimit, long swapPeak) {}

    /** A disk by the guest's numbers. */
    public record Disk(
            int major, int minor, long bytesRead, long bytesWritten, long reads, long writes) {}

    /**
     * @param size of a page, as the kernel writes it: 2MB
     */
    public record HugePages(String size, long current, long limit) {}
}
