// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.MemorySize;
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

/** How large a pod's machine is: decided once, from the first container's spec, and kept to. */
record PodSize(Pod pod) {
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
                        "machine.memory",
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
                        "machine.cpus",
                        Integer.toString(plan.cpus().count()),
                        from(
                                limits.cpus().isPresent(),
                                spec,
                                CriAnnotations.CPU_QUOTA,
                                "linux.resources.cpu.quota",
                                "guest.cpus")));
        return new Entry.Planned(
                plan.memory().bytes(), plan.containers().bytes(), plan.cpus().count(), all);
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

    /**
     * @throws DriverException UNSUPPORTED with limit and value if the machine is too small for a
     *     container with these limits, since it does not grow while it runs
     */
    void check(String container, OciResources limits) {
        pod.record()
                .plan()
                .ifPresent(
                        plan -> {
                            MemorySize memory = new MemorySize(plan.containerMemory());
                            limits.memory()
                                    .filter(wanted -> wanted.compareTo(memory) > 0)
                                    .ifPresent(
                                            wanted -> {
                                                throw tooSmall(
                                                        container,
                                                        wanted + " of memory",
                                                        memory.toString(),
                                                        "memory");
                                            });
                            CpuCount cpus = new CpuCount(plan.cpus());
                            limits.cpus()
                                    .filter(wanted -> wanted.compareTo(cpus) > 0)
                                    .ifPresent(
                                            wanted -> {
                                                throw tooSmall(
                                                        container,
                                                        wanted.count() + " CPUs",
                                                        Integer.toString(cpus.count()),
                                                        "cpus");
                                            });
                        });
    }

    private static DriverException tooSmall(
            String container, String wanted, String there, String setting) {
        return DriverException.unsupported(
                "Container %s may not have up to %s: its virtual machine has %s for containers and does not grow while it runs. Make the pod anew with limits that add up to what it needs, or raise %s in [guest]."
                        .formatted(container, wanted, there, setting));
    }
}
