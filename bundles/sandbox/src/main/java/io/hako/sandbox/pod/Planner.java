// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.device.DeviceKind;
import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.hypervisor.VmFeature;
import io.hako.api.network.LinkKind;
import io.hako.api.network.NetworkProfile;
import io.hako.api.storage.SourceKind;
import io.hako.api.storage.StorageProfile;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import io.hako.api.types.MemorySize;
import io.hako.ocispec.OciResources;
import io.hako.settings.GuestSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Decides what a pod's machine will be, from data alone: the same input gives the same plan.
 * Drivers come in the operator's order; the first hypervisor that can hold the pod is taken, then
 * the first storage and network driver whose devices that hypervisor can attach.
 */
final class Planner {
    private static final MemorySize UNIT = MemorySize.ofMebibytes(1);

    private Planner() {}

    /**
     * What is to be planned.
     *
     * @param resources the limits of the pod's containers together
     * @param hypervisors those that are there, the preferred one first; likewise {@code storages}
     *     and {@code networks}
     */
    record Input(
            OciResources resources,
            NetworkDemand network,
            GuestSettings guest,
            List<Offer<HypervisorProfile>> hypervisors,
            List<Offer<StorageProfile>> storages,
            List<Offer<NetworkProfile>> networks) {
        Input {
            hypervisors = List.copyOf(hypervisors);
            storages = List.copyOf(storages);
            networks = List.copyOf(networks);
        }
    }

    /**
     * @param settings of the driver, JSON
     */
    record Offer<P>(P profile, String settings) {}

    /**
     * @throws DriverException UNSUPPORTED with the limit and the value for each driver that was
     *     considered
     */
    static Plan plan(Input input) {
        MemorySize memory = memory(input);
        CpuCount cpus = input.resources().cpus().orElse(input.guest().cpus());
        Offer<HypervisorProfile> hypervisor = hypervisor(input, memory, cpus);
        Offer<StorageProfile> storage = storage(input, hypervisor.profile());
        MemorySize containerCeiling = containerCeiling(input, memory, hypervisor.profile());
        return new Plan(
                hypervisor.profile().id(),
                hypervisor.settings(),
                storage.profile().id(),
                storage.settings(),
                memory,
                containers(input),
                cpus,
                machineCeiling(input, memory, containerCeiling),
                containerCeiling,
                cpuCeiling(input, cpus, hypervisor.profile()),
                GuestBoot.source(input.guest()),
                input.network(),
                network(input, hypervisor.profile()));
    }

    /** What the containers may use, and on top what the guest itself needs. */
    private static MemorySize memory(Input input) {
        MemorySize containers = containers(input);
        try {
            return containers.plus(input.guest().memoryOverhead()).roundedUpTo(UNIT);
        } catch (DriverException e) {
            throw DriverException.invalid(
                    "A pod with %s of memory cannot be planned: the limit is %s, the guest's own need included."
                            .formatted(containers, new MemorySize(MemorySize.LARGEST)));
        }
    }

    private static MemorySize containers(Input input) {
        return input.resources().memory().orElse(input.guest().memory());
    }

    /** What a running machine can be given goes as far as settings and hypervisor let it. */
    private static MemorySize containerCeiling(
            Input input, MemorySize memory, HypervisorProfile hypervisor) {
        long now = containers(input).bytes();
        long wanted = Math.max(now, input.guest().memoryCeiling().bytes());
        long room = hypervisor.largestGuest().bytes() - memory.bytes();
        return new MemorySize(
                hypervisor.features().contains(VmFeature.RESIZE)
                        ? Math.min(wanted, now + AddedMemory.usable(room))
                        : now);
    }

    private static MemorySize machineCeiling(
            Input input, MemorySize memory, MemorySize containerCeiling) {
        long growth = containerCeiling.bytes() - containers(input).bytes();
        return memory.plus(new MemorySize(AddedMemory.withItsDescription(growth)));
    }

    private static CpuCount cpuCeiling(Input input, CpuCount cpus, HypervisorProfile hypervisor) {
        int wanted = Math.max(cpus.count(), input.guest().cpuCeiling().count());
        return hypervisor.features().contains(VmFeature.RESIZE)
                ? new CpuCount(Math.min(wanted, hypervisor.mostCpus().count()))
                : cpus;
    }

    private static Offer<HypervisorProfile> hypervisor(
            Input input, MemorySize memory, CpuCount cpus) {
        List<String> refusals = new ArrayList<>();
        for (Offer<HypervisorProfile> offer : input.hypervisors()) {
            HypervisorProfile profile = offer.profile();
            if (memory.compareTo(profile.largestGuest()) > 0) {
                refusals.add(
                        "%s gives a guest at most %s of memory, but the pod needs %s (%s for its containers, %s for the guest itself)"
                                .formatted(
                                        profile.id(),
                                        profile.largestGuest(),
                                        memory,
                                        containers(input),
                                        input.guest().memoryOverhead()));
            } else if (cpus.compareTo(profile.mostCpus()) > 0) {
                refusals.add(
                        "%s gives a guest at most %s CPUs, but the pod needs %s"
                                .formatted(profile.id(), profile.mostCpus(), cpus));
            } else {
                return offer;
            }
        }
        throw none("No hypervisor can run this pod", refusals, DriverKind.HYPERVISOR);
    }

    private static Offer<StorageProfile> storage(Input input, HypervisorProfile hypervisor) {
        List<String> refusals = new ArrayList<>();
        for (Offer<StorageProfile> offer : input.storages()) {
            StorageProfile profile = offer.profile();
            Optional<String> tooMany = tooMany(profile.id(), profile.produces(), 1, hypervisor);
            if (!profile.accepts().contains(SourceKind.HOST_DIRECTORY)) {
                refusals.add("%s does not share directories".formatted(profile.id()));
            } else if (tooMany.isPresent()) {
                refusals.add(tooMany.get());
            } else {
                return offer;
            }
        }
        throw none("No storage driver can share the pod's directory", refusals, DriverKind.STORAGE);
    }

    private static Optional<Offer<NetworkProfile>> network(
            Input input, HypervisorProfile hypervisor) {
        List<LinkKind> interfaces = input.network().interfaces();
        if (interfaces.isEmpty()) {
            return Optional.empty();
        }
        List<String> refusals = new ArrayList<>();
        for (Offer<NetworkProfile> offer : input.networks()) {
            NetworkProfile profile = offer.profile();
            Optional<LinkKind> strange =
                    interfaces.stream()
                            .filter(kind -> !profile.accepts().contains(kind))
                            .findFirst();
            Optional<String> tooMany =
                    tooMany(profile.id(), profile.produces(), interfaces.size(), hypervisor);
            if (strange.isPresent()) {
                refusals.add(
                        "%s does not connect an interface of kind %s"
                                .formatted(profile.id(), strange.get()));
            } else if (tooMany.isPresent()) {
                refusals.add(tooMany.get());
            } else {
                return Optional.of(offer);
            }
        }
        throw none("No network driver can connect the pod", refusals, DriverKind.NETWORK);
    }

    /**
     * What is wrong if the hypervisor cannot attach so many of these devices to a machine that is
     * off.
     */
    private static Optional<String> tooMany(
            DriverId driver,
            Map<DeviceKind, Integer> produces,
            int times,
            HypervisorProfile hypervisor) {
        return produces.entrySet().stream()
                .filter(
                        e ->
                                times * e.getValue()
                                        > hypervisor.coldAttach().getOrDefault(e.getKey(), 0))
                .findFirst()
                .map(
                        e ->
                                "%s makes %d devices of kind %s, but %s attaches at most %d"
                                        .formatted(
                                                driver,
                                                times * e.getValue(),
                                                e.getKey(),
                                                hypervisor.id(),
                                                hypervisor
                                                        .coldAttach()
                                                        .getOrDefault(e.getKey(), 0)));
    }

    private static DriverException none(String what, List<String> refusals, DriverKind kind) {
        return DriverException.unsupported(
                refusals.isEmpty()
                        ? "%s: there is none; hako plugin list shows the installed ones, and hako plugin why %s/NAME why one does not serve."
                                .formatted(what, kind.word())
                        : "%s: %s.".formatted(what, String.join("; ", refusals)));
    }
}
