// SPDX-License-Identifier: Apache-2.0
package io.hako.api.device;

import io.hako.api.types.DeviceId;
import io.hako.api.types.Names;
import java.nio.file.Path;

/**
 * A shared directory over virtio-fs. It needs guest memory that another process can map.
 *
 * @param id of the device
 * @param tag that the guest mounts, at most 36 bytes (virtio 1.2 section 5.11.4)
 * @param socket where the vhost-user backend listens; the monitor connects to it once
 */
public record VirtioFsShare(DeviceId id, String tag, Path socket) implements Device {
    public VirtioFsShare {
        Names.name("The tag of a virtio-fs share", tag, 36);
        Names.socket("The socket of a virtio-fs backend", socket);
    }

    @Override
    public DeviceKind kind() {
        return DeviceKind.VIRTIO_FS_SHARE;
    }
}
