// SPDX-License-Identifier: Apache-2.0
package io.hako.api.hypervisor;

import io.hako.api.device.DeviceKind;
import io.hako.api.driver.SchemaRange;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverId;
import io.hako.api.types.MemorySize;
import java.util.Map;
import java.util.Set;

/**
 * What a hypervisor can do under given settings. The daemon plans by it; a driver refuses what goes
 * beyond it.
 *
 * @param id of the driver
 * @param schemas of state that it deals with
 * @param coldAttach how many devices of each kind a spec may name; a kind that is missing cannot be
 *     attached so
 * @param hotAttach how many devices of each kind can be attached after boot, beside the cold ones;
 *     likewise
 * @param features what else its machines can do
 * @param largestGuest the most memory, ceiling included
 * @param mostCpus the most CPUs, ceiling included
 */
public record HypervisorProfile(
        DriverId id,
        SchemaRange schemas,
        Map<DeviceKind, Integer> coldAttach,
        Map<DeviceKind, Integer> hotAttach,
        Set<VmFeature> features,
        MemorySize largestGuest,
        CpuCount mostCpus) {
    public HypervisorProfile {
        coldAttach = Map.copyOf(coldAttach);
        hotAttach = Map.copyOf(hotAttach);
        features = Set.copyOf(features);
    }
}
