// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.ocispec.CriAnnotations;
import io.hako.ocispec.OciResources;
import io.hako.ocispec.OciSpec;
import io.hako.settings.DriverSettings;
import io.hako.settings.Origin;
import io.hako.settings.PodSettings;
import io.hako.state.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * How large a pod's machine starts: decided from the first container's spec. {@link PodGrowth} says
 * what becomes of it.
 */
record PodSize(Pod pod) {
    /** What the machine itself is said to be, beside the settings that it was planned by. */
    static final String MEMORY = "machine.memory";

    static final String CPUS = "machine.cpus";

    /** The limits by which a machine is sized. A sandbox container's own say nothing of its pod. */
    static OciResources of(OciSpec spec) {
        return isSandbox(spec) ? spec.cri().size() : spec.resources();
    }

    /** The plan with all that it was made from, for the journal. */
    Entry.Planned planned(Plan plan, OciSpec spec, PodSettings settings) {
        OciResources limits = of(spec);
        List<Entry.Setting> all = new ArrayList<>();
        origins(plan, settings)
                .forEach(o -> all.add(new Entry.Setting(o.key(), o.value(), o.from())));
        all.add(
                new Entry.Setting(
                        MEMORY,
                        plan.memory().toString(),
                        from(
                                        limits.memory().isPresent(),
                                        spec,
                                        CriAnnotations.MEMORY,
                                        "linux.resources.memory.limit",
                                        "guest.memory")
                                + " and guest.memory_overhead"));
        all.add(
                new Entry.Setting(
                        CPUS,
                        Integer.toString(plan.cpus().count()),
                        from(
                                limits.cpus().isPresent(),
                                spec,
                                CriAnnotations.CPU_QUOTA,
                                "linux.resources.cpu.quota",
                                "guest.cpus")));
        return new Entry.Planned(
                plan.memory().bytes(),
                plan.containers().bytes(),
                plan.cpus().count(),
                all,
                room(plan, limits, settings));
    }

    /** A container that came without a sandbox is the machine's first. */
    private Entry.Room room(Plan plan, OciResources limits, PodSettings settings) {
        return new Entry.Room(
                plan.memory().bytes(),
                plan.containers().bytes(),
                plan.cpus().count(),
                plan.containerCeiling().bytes(),
                plan.cpuCeiling().count(),
                settings.guest().memory().bytes(),
                pod.record().containers().values().stream()
                        .filter(container -> !container.facts().sandbox())
                        .map(container -> PodNeed.limit(container.id(), limits))
                        .toList());
    }

    /** Of the pod's own settings, and of the drivers that it has. */
    private static Stream<Origin> origins(Plan plan, PodSettings settings) {
        return Stream.of(
                        settings.origins(),
                        settings.origins(
                                plan.hypervisor(), DriverSettings.parse(plan.hypervisorSettings())),
                        plan.networkDriver()
                                .map(
                                        offer ->
                                                settings.origins(
                                                        offer.profile().id(),
                                                        DriverSettings.parse(offer.settings())))
                                .orElse(List.of()),
                        settings.origins(
                                plan.storage(), DriverSettings.parse(plan.storageSettings())))
                .flatMap(List::stream);
    }

    private static String from(
            boolean limited, OciSpec spec, String annotation, String own, String setting) {
        if (!limited) {
            return setting;
        }
        return isSandbox(spec) ? "annotation " + annotation : own;
    }

    private static boolean isSandbox(OciSpec spec) {
        return spec.cri().role() == CriAnnotations.Role.SANDBOX;
    }
}
