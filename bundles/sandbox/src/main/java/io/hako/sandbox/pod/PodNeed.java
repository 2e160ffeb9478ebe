// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.CpuCount;
import io.hako.api.types.MemorySize;
import io.hako.ocispec.OciResources;
import io.hako.state.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * How large a machine must be for its containers: the sum of their limits, and for those without
 * one what a pod without any gets. Not less than it booted with, not more than its ceilings: beyond
 * those its containers share what there is.
 *
 * @param limits of the containers that live
 */
record PodNeed(Entry.Room room, List<Entry.Limit> limits) {
    PodNeed {
        limits = List.copyOf(limits);
    }

    static Entry.Limit limit(String container, OciResources given) {
        return new Entry.Limit(
                container, given.memory().map(MemorySize::bytes).orElse(0L), given.milliCpus());
    }

    /**
     * The plan after a container's limits became these.
     *
     * @param lives of a container's id
     */
    static PodNeed with(Entry.Planned plan, Entry.Limit limit, Predicate<String> lives) {
        List<Entry.Limit> limits = new ArrayList<>(of(plan, lives).limits());
        limits.removeIf(known -> known.container().equals(limit.container()));
        limits.add(limit);
        return new PodNeed(plan.room(), limits);
    }

    static PodNeed of(Entry.Planned plan, Predicate<String> lives) {
        return new PodNeed(
                plan.room(),
                plan.room().limits().stream()
                        .filter(limit -> lives.test(limit.container()))
                        .toList());
    }

    /** Of all containers together, in bytes; saturates. */
    long wantedMemory() {
        boolean unlimited = limits.stream().anyMatch(limit -> limit.memory() == 0);
        long sum = unlimited ? room.unlimitedMemory() : 0;
        for (Entry.Limit limit : limits) {
            sum = Math.min(MemorySize.LARGEST, sum + limit.memory());
        }
        return sum;
    }

    /** CPUs, likewise. */
    long wantedCpus() {
        long milli = limits.stream().mapToLong(Entry.Limit::milliCpus).sum();
        return OciResources.cpus(milli).map(CpuCount::count).orElse(0);
    }

    private long containerMemory() {
        return Math.clamp(
                wantedMemory(), room.bootContainerMemory(), room.containerMemoryCeiling());
    }

    /** The same machine, just as large as is needed. */
    Entry.Planned fitted(Entry.Planned plan) {
        return sized(plan, containerMemory());
    }

    /** The same machine, as large as is needed and not smaller than it is. */
    Entry.Planned grown(Entry.Planned plan) {
        return sized(plan, Math.max(containerMemory(), plan.containerMemory()));
    }

    /** CPUs are never taken back: one without work costs next to nothing. */
    private Entry.Planned sized(Entry.Planned plan, long containers) {
        long growth = containers - room.bootContainerMemory();
        long memory = room.bootMemory() + AddedMemory.withItsDescription(growth);
        int cpus = (int) Math.max(plan.cpus(), Math.min(wantedCpus(), room.cpuCeiling()));
        return new Entry.Planned(
                memory,
                containers,
                cpus,
                plan.settings().stream().map(s -> told(s, plan, memory, cpus)).toList(),
                new Entry.Room(
                        room.bootMemory(),
                        room.bootContainerMemory(),
                        room.bootCpus(),
                        room.containerMemoryCeiling(),
                        room.cpuCeiling(),
                        room.unlimitedMemory(),
                        limits));
    }

    private static Entry.Setting told(
            Entry.Setting setting, Entry.Planned before, long memory, int cpus) {
        boolean changed =
                setting.key().equals(PodSize.MEMORY) && memory != before.memory()
                        || setting.key().equals(PodSize.CPUS) && cpus != before.cpus();
        String value =
                setting.key().equals(PodSize.MEMORY)
                        ? new MemorySize(memory).toString()
                        : Integer.toString(cpus);
        return changed
                ? new Entry.Setting(setting.key(), value, "limits of its containers")
                : setting;
    }
}
