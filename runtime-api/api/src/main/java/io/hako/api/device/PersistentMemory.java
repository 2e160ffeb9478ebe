// SPDX-License-Identifier: Apache-2.0
package io.hako.api.device;

import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.MemorySize;
import io.hako.api.types.Names;
import java.nio.file.Path;

/**
 * A file of the host, mapped read-only into the guest's memory by virtio-pmem or an NVDIMM, so that
 * guests which map the same file share its pages. It stays until the machine ends: such memory
 * cannot be unplugged.
 *
 * @param id of the device
 * @param image absolute path on the host
 * @param size of the file, a positive multiple of {@link #ALIGNMENT}
 */
public record PersistentMemory(DeviceId id, Path image, MemorySize size) implements Device {
    /**
     * Linux maps persistent memory on x86-64 in steps of 2 MiB; a device of another size does not
     * appear.
     */
    public static final MemorySize ALIGNMENT = MemorySize.ofMebibytes(2);

    public PersistentMemory {
        Names.absolute("The image of persistent memory", image);
        if (size.bytes() == 0 || !size.isMultipleOf(ALIGNMENT)) {
            throw DriverException.invalid(
                    "Persistent memory has a positive multiple of %s, but %s has %d bytes."
                            .formatted(ALIGNMENT, image, size.bytes()));
        }
    }

    @Override
    public DeviceKind kind() {
        return DeviceKind.PERSISTENT_MEMORY;
    }
}
