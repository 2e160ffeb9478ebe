// SPDX-License-Identifier: Apache-2.0
package io.hako.api.hypervisor;

import io.hako.api.device.Device;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.MemorySize;
import io.hako.api.types.Names;
import io.hako.api.types.NetworkNamespace;
import java.util.List;
import java.util.Optional;

/**
 * A machine to build.
 *
 * @param cpus that it boots with
 * @param cpuCeiling that it can be resized to, not below {@code cpus}
 * @param memory that it boots with, larger than zero
 * @param memoryCeiling that it can be resized to, not below {@code memory}
 * @param mappedWindow room in the guest's address space for persistent memory that is attached
 *     after boot
 * @param boot what it boots
 * @param devices that it has from the start, of different ids
 * @param network the namespace that the monitor runs in; absent: an empty one of its own
 */
public record VmSpec(
        CpuCount cpus,
        CpuCount cpuCeiling,
        MemorySize memory,
        MemorySize memoryCeiling,
        MemorySize mappedWindow,
        BootSource boot,
        List<Device> devices,
        Optional<NetworkNamespace> network) {
    public VmSpec {
        if (cpuCeiling.compareTo(cpus) < 0) {
            throw DriverException.invalid(
                    "A machine with %s CPUs cannot have a ceiling of %s CPUs."
                            .formatted(cpus, cpuCeiling));
        }
        if (memory.bytes() == 0) {
            throw DriverException.invalid("A machine needs more than 0 bytes of memory.");
        }
        if (memoryCeiling.compareTo(memory) < 0) {
            throw DriverException.invalid(
                    "A machine with %s of memory cannot have a ceiling of %s."
                            .formatted(memory, memoryCeiling));
        }
        devices = List.copyOf(devices);
        Names.distinct("The device ids of a machine", devices.stream().map(Device::id).toList());
    }
}
