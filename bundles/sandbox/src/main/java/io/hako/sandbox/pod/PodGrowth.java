// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.hypervisor.Resizable;
import io.hako.api.types.Call;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import io.hako.ocispec.OciResources;
import io.hako.state.Entry;
import io.hako.state.ProcessPhase;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a pod's machine as large as its containers' limits want it. The plan is journalled before
 * the machine is told, and told again whenever it is needed: a daemon that is cut off between the
 * two leaves nothing that the next request does not put right. One at a time for a pod.
 */
record PodGrowth(Pod pod) {
    private static final Logger LOG = LoggerFactory.getLogger(PodGrowth.class);
    private static final Duration CPU_LIMIT = Duration.ofSeconds(10);

    /**
     * Returns once the machine has room for a new container with these limits.
     *
     * @throws DriverException UNSUPPORTED with limit and value if it may not become so large;
     *     UNAVAILABLE if the guest does not take the memory
     */
    void admit(String container, OciResources limits, Call call) {
        refuseBeyond(container, limits);
        plan().ifPresent(plan -> admit(plan, PodNeed.limit(container, limits), call));
    }

    /** The same for one that is there, and keeps the limits that it is not given anew. */
    void admitChange(String container, OciResources limits, Call call) {
        refuseBeyond(container, limits);
        plan().ifPresent(
                        plan -> admit(plan, changed(plan, PodNeed.limit(container, limits)), call));
    }

    private static Entry.Limit changed(Entry.Planned plan, Entry.Limit given) {
        return plan.room().limits().stream()
                .filter(known -> known.container().equals(given.container()))
                .findFirst()
                .map(
                        known ->
                                new Entry.Limit(
                                        given.container(),
                                        given.memory() > 0 ? given.memory() : known.memory(),
                                        given.milliCpus() > 0
                                                ? given.milliCpus()
                                                : known.milliCpus()))
                .orElse(given);
    }

    private void admit(Entry.Planned plan, Entry.Limit limit, Call call) {
        PodNeed need = PodNeed.with(plan, limit, this::lives);
        tellOfSharing(need);
        Entry.Planned next = need.grown(plan);
        pod.journal().append(next);
        if (next.memory() > plan.room().bootMemory()) {
            try {
                grow(plan, next, call);
            } catch (DriverException e) {
                become(next, plan, call);
                throw e;
            }
        }
        if (next.cpus() > plan.room().bootCpus()) {
            addCpus(plan.cpus(), next.cpus(), call);
        }
    }

    /** Gives memory back that no container needs any more, as fast as the guest lets go of it. */
    void settle(Call call) {
        plan().ifPresent(plan -> become(plan, PodNeed.of(plan, this::lives).fitted(plan), call));
    }

    /** What was admitted did not come to be. */
    void restore(Entry.Planned before, Call call) {
        plan().ifPresent(plan -> become(plan, before, call));
    }

    /** What the machine is to be; a pod that an older daemon made has none. */
    Optional<Entry.Planned> plan() {
        return pod.record().plan();
    }

    /**
     * @throws DriverException UNSUPPORTED with both numbers if no machine of this pod's could hold
     *     the limit: its container would die for want of memory, and nobody would understand why
     */
    void refuseBeyond(String container, OciResources limits) {
        plan().ifPresent(
                        plan -> {
                            long ceiling = plan.room().containerMemoryCeiling();
                            limits.memory()
                                    .filter(wanted -> wanted.bytes() > ceiling)
                                    .ifPresent(
                                            wanted -> {
                                                throw tooLarge(container, wanted, ceiling);
                                            });
                        });
    }

    private static DriverException tooLarge(String container, MemorySize wanted, long ceiling) {
        return DriverException.unsupported(
                "Container %s may not have up to %s of memory: its virtual machine can grow to %s for containers. Make the pod anew with limits that add up to what it needs, or raise memory_ceiling in [guest] before."
                        .formatted(container, wanted, new MemorySize(ceiling)));
    }

    /** More than there can be is no reason to refuse a container, but one to say so. */
    private void tellOfSharing(PodNeed need) {
        Entry.Room room = need.room();
        if (need.wantedMemory() > room.containerMemoryCeiling()) {
            limited(
                    "Its containers may have up to %s of memory together, and share the %s that its machine can have for them: memory_ceiling in [guest] limits it."
                            .formatted(
                                    new MemorySize(need.wantedMemory()),
                                    new MemorySize(room.containerMemoryCeiling())));
        }
        if (need.wantedCpus() > room.cpuCeiling()) {
            limited(
                    "Its containers may use up to %d CPUs together, and share the %d that its machine can have: cpu_ceiling in [guest] limits it."
                            .formatted(need.wantedCpus(), room.cpuCeiling()));
        }
    }

    private void limited(String why) {
        LOG.info("Sandbox {}: {}", pod.owner(), why);
        pod.events().machine("limit", event -> event.because(why));
    }

    private boolean lives(String container) {
        return pod.record()
                .container(container)
                .flatMap(known -> known.process(""))
                .filter(process -> process.phase() != ProcessPhase.STOPPED)
                .isPresent();
    }

    private void grow(Entry.Planned before, Entry.Planned next, Call call) {
        MemorySize wanted = new MemorySize(next.memory());
        long begun = System.nanoTime();
        MemorySize has = resize(wanted, call);
        if (has.compareTo(wanted) < 0) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The virtual machine of sandbox %s cannot grow to %s of memory: its guest took no more than %s. See its kernel's messages with hako debug, or make the pod anew with limits that add up to what it needs."
                            .formatted(pod.owner(), wanted, has));
        }
        if (next.memory() > before.memory()) {
            told("memory", wanted.toString(), begun);
        }
    }

    private void told(String what, String size, long begun) {
        Duration took = Duration.ofNanos(System.nanoTime() - begun);
        pod.events().machine("resize", event -> event.with(what, size).took(took));
    }

    private void become(Entry.Planned now, Entry.Planned next, Call call) {
        if (!next.equals(now)) {
            pod.journal().append(next);
        }
        if (next.memory() < now.memory()) {
            try {
                resize(new MemorySize(next.memory()), call);
            } catch (DriverException e) {
                LOG.warn(
                        "Sandbox {}: memory that no container needs stays with its machine: {}",
                        pod.owner(),
                        e.getMessage());
            }
        }
    }

    private MemorySize resize(MemorySize wanted, Call call) {
        return pod.vm()
                .orElseThrow()
                .power(Resizable.class, call, machine -> machine.resizeMemory(wanted, call));
    }

    /** A guest that does not use them all has the less of them: no reason to refuse a container. */
    private void addCpus(int before, int wanted, Call outer) {
        Call call = Bounded.within(CPU_LIMIT, outer);
        long begun = System.nanoTime();
        try {
            CpuCount count = new CpuCount(wanted);
            pod.vm()
                    .orElseThrow()
                    .power(Resizable.class, call, machine -> machine.resizeCpus(count, call));
            pod.guest().tell(call, (guest, within) -> guest.useCpus(wanted, within));
            if (wanted > before) {
                told("cpus", count.toString(), begun);
            }
        } catch (DriverException e) {
            outer.checkCancelled();
            limited(
                    "Its machine was to have %d CPUs and has fewer: %s"
                            .formatted(wanted, e.getMessage()));
        }
    }
}
