// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import io.hako.api.device.BlockDisk;
import io.hako.api.device.Device;
import io.hako.api.device.NinePShare;
import io.hako.api.device.PersistentMemory;
import io.hako.api.device.TapInterface;
import io.hako.api.device.VhostUserInterface;
import io.hako.api.device.VirtioFsShare;
import io.hako.api.types.DeviceId;

/** Devices that differ in one thing. */
final class DeviceCopies {
    private DeviceCopies() {}

    static Device withId(Device device, DeviceId id) {
        return switch (device) {
            case BlockDisk d -> new BlockDisk(id, d.image(), d.readOnly(), d.serial());
            case PersistentMemory d -> new PersistentMemory(id, d.image(), d.size());
            case VirtioFsShare d -> new VirtioFsShare(id, d.tag(), d.socket());
            case NinePShare d -> new NinePShare(id, d.tag(), d.directory(), d.readOnly());
            case TapInterface d ->
                    new TapInterface(id, d.mac(), d.mtu(), d.tap(), d.network(), d.queues());
            case VhostUserInterface d ->
                    new VhostUserInterface(
                            id, d.mac(), d.mtu(), d.socket(), d.queues(), d.queueSize());
        };
    }
}
