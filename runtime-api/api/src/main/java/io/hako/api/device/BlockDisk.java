// SPDX-License-Identifier: Apache-2.0
package io.hako.api.device;

import io.hako.api.types.DeviceId;
import io.hako.api.types.Names;
import java.nio.file.Path;

/**
 * A virtio block device over a raw image file or a block device of the host.
 *
 * @param id of the device
 * @param image absolute path on the host; its size is the disk's
 * @param readOnly whether the guest can only read it
 * @param serial by which the guest finds it, 1 to 20 bytes (VIRTIO_BLK_ID_BYTES, virtio 1.2 section
 *     5.2.6.1)
 */
public record BlockDisk(DeviceId id, Path image, boolean readOnly, String serial)
        implements Device {
    public BlockDisk {
        Names.absolute("The image of a disk", image);
        Names.name("The serial of a disk", serial, 20);
    }

    @Override
    public DeviceKind kind() {
        return DeviceKind.BLOCK_DISK;
    }
}
