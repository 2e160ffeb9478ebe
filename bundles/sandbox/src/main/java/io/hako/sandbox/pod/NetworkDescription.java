// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.host.Link;
import io.hako.api.types.DriverException;
import io.hako.api.types.MacAddress;
import io.hako.guest.GuestNetwork;
import io.hako.host.NetworkState;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What a guest is to have, given what its pod's namespace holds. */
final class NetworkDescription {
    private NetworkDescription() {}

    /**
     * @param links those of the namespace that the guest has, with the MTU that it can have
     */
    static GuestNetwork of(NetworkState state, List<Link> links) {
        Set<String> names = links.stream().map(Link::name).collect(Collectors.toSet());
        return new GuestNetwork(
                links.stream().map(link -> described(link, state)).toList(),
                state.routes().stream()
                        .filter(route -> names.contains(route.link()))
                        .map(NetworkDescription::described)
                        .toList(),
                state.neighbours().stream()
                        .filter(neighbour -> names.contains(neighbour.link()))
                        .map(
                                n ->
                                        new GuestNetwork.Neighbour(
                                                n.address().getHostAddress(), n.mac(), n.link()))
                        .toList(),
                HostResolver.read());
    }

    static MacAddress mac(Link link) {
        return link.mac()
                .orElseThrow(
                        () ->
                                DriverException.unsupported(
                                        "The interface %s of the pod's network has no Ethernet address, so no guest can be given it."
                                                .formatted(link.name())));
    }

    private static GuestNetwork.Interface described(Link link, NetworkState state) {
        List<String> addresses =
                state.addresses().stream()
                        .filter(address -> address.link().equals(link.name()))
                        .map(address -> address.prefix().toString())
                        .toList();
        return new GuestNetwork.Interface(mac(link), link.name(), link.mtu(), addresses);
    }

    private static GuestNetwork.Route described(NetworkState.Route route) {
        return new GuestNetwork.Route(
                route.destination().map(Object::toString).orElse(""),
                text(route.gateway()),
                text(route.source()),
                route.link(),
                route.scope(),
                route.mtu(),
                route.metric(),
                route.ipv6(),
                route.onlink());
    }

    private static String text(Optional<InetAddress> address) {
        return address.map(InetAddress::getHostAddress).orElse("");
    }
}
