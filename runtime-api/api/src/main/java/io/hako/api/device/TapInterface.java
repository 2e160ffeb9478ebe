// SPDX-License-Identifier: Apache-2.0
package io.hako.api.device;

import io.hako.api.types.DeviceId;
import io.hako.api.types.MacAddress;
import io.hako.api.types.Names;
import io.hako.api.types.NetworkNamespace;

/**
 * A virtio network interface whose other end is a tap of the host.
 *
 * @param id of the device
 * @param mac that the guest's interface has, and by which the guest finds it
 * @param mtu bytes of payload in a frame, 68 (RFC 791) to 65535
 * @param tap name of the tap, at most 15 characters (IFNAMSIZ is 16 with its closing zero)
 * @param network the namespace that the tap is in
 * @param queues queue pairs, 1 to 256; with more than one the tap was made with IFF_MULTI_QUEUE
 */
public record TapInterface(
        DeviceId id, MacAddress mac, int mtu, String tap, NetworkNamespace network, int queues)
        implements Device {
    public TapInterface {
        Names.name("The name of a tap", tap, 15);
        InterfaceLimits.check("tap " + tap, mtu, queues);
    }

    @Override
    public DeviceKind kind() {
        return DeviceKind.TAP_INTERFACE;
    }
}
