// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.hypervisor.BootSource;
import io.hako.api.network.NetworkProfile;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverId;
import io.hako.api.types.MemorySize;
import java.util.Optional;

/**
 * What a pod's machine will be.
 *
 * @param hypervisorSettings JSON, as it is frozen with the handle
 * @param storage the driver that shares the pod's directory
 * @param memory of the whole machine
 * @param containers what of it the containers may use
 * @param memoryCeiling that the whole machine can grow to; likewise {@code containerCeiling} and
 *     {@code cpuCeiling}
 * @param networkDriver that brings the interfaces; absent where there are none
 */
record Plan(
        DriverId hypervisor,
        String hypervisorSettings,
        DriverId storage,
        String storageSettings,
        MemorySize memory,
        MemorySize containers,
        CpuCount cpus,
        MemorySize memoryCeiling,
        MemorySize containerCeiling,
        CpuCount cpuCeiling,
        BootSource boot,
        NetworkDemand network,
        Optional<Planner.Offer<NetworkProfile>> networkDriver) {}
