// SPDX-License-Identifier: Apache-2.0
package io.hako.api.host;

import io.hako.api.types.MacAddress;
import io.hako.api.types.Names;
import java.util.Optional;

/**
 * A network interface of the host.
 *
 * @param name at most 15 characters
 * @param index its ifindex, 1 or more; repeats between namespaces
 * @param type IFLA_INFO_KIND (rtnetlink(7)): veth, tun, macvlan; empty for a device without one
 * @param mac its address; absent if it has none of six bytes
 * @param mtu bytes
 * @param up whether IFF_UP is set
 */
public record Link(
        String name, int index, String type, Optional<MacAddress> mac, int mtu, boolean up) {
    public Link {
        Names.text("The name of an interface", name, 15);
        Names.within("The index of interface " + name, index, 1, Integer.MAX_VALUE);
    }
}
