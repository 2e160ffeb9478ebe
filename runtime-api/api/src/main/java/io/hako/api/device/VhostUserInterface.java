// SPDX-License-Identifier: Apache-2.0
package io.hako.api.device;

import io.hako.api.types.DeviceId;
import io.hako.api.types.MacAddress;
import io.hako.api.types.Names;
import java.nio.file.Path;

/**
 * A virtio network interface served by another process, such as a user-space switch. It needs guest
 * memory that the other process can map.
 *
 * @param id of the device
 * @param mac that the guest's interface has, and by which the guest finds it
 * @param mtu bytes of payload in a frame, 68 to 65535
 * @param socket where the backend listens
 * @param queues queue pairs, 1 to 256
 * @param queueSize descriptors in a queue, a power of two from 64 to 32768 (virtio 1.2 section 2.7)
 */
public record VhostUserInterface(
        DeviceId id, MacAddress mac, int mtu, Path socket, int queues, int queueSize)
        implements Device {
    public VhostUserInterface {
        Names.socket("The socket of a vhost-user backend", socket);
        InterfaceLimits.check("interface " + id, mtu, queues);
        Names.powerOfTwo("The queue size of interface " + id, queueSize, 64, 32_768);
    }

    @Override
    public DeviceKind kind() {
        return DeviceKind.VHOST_USER_INTERFACE;
    }
}
