// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.device.Device;
import io.hako.api.device.TapInterface;
import io.hako.api.host.Link;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkSource;
import io.hako.api.types.Call;
import io.hako.api.types.NetworkNamespace;
import io.hako.driverhost.Lease;
import io.hako.guest.GuestNetwork;
import io.hako.host.NetworkState;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * One look at the namespace of a running pod: brings the host's side of its interfaces in line with
 * the links behind them, and says what the guest is to have.
 */
final class NetworkRefresh {
    private final Pod pod;
    private final NetworkNamespace network;
    private final NetworkState state;
    private final List<Link> links = new ArrayList<>();
    private final Set<String> known = new HashSet<>();
    private final List<String> left = new ArrayList<>();

    private NetworkRefresh(Pod pod, NetworkNamespace network, NetworkState state) {
        this.pod = pod;
        this.network = network;
        this.state = state;
    }

    /**
     * @param guest what it is to have
     * @param left sentences about what it cannot be given while it runs
     */
    record Result(GuestNetwork guest, List<String> left) {
        Result {
            left = List.copyOf(left);
        }
    }

    /** Where the pod's interfaces are; absent if it has none. */
    static Optional<NetworkNamespace> network(Pod pod, Call call) {
        return pod.networks().stream()
                .map(lease -> lease.with(call, NetworkAttachment::device))
                .filter(TapInterface.class::isInstance)
                .map(device -> ((TapInterface) device).network())
                .findFirst();
    }

    /** The caller has the pod's order. */
    static Result run(Pod pod, NetworkNamespace network, Call call) {
        NetworkState state = pod.node().machine().network(network).read(call);
        return new NetworkRefresh(pod, network, state).run(call);
    }

    private Result run(Call call) {
        for (Lease<NetworkAttachment> lease : pod.networks()) {
            if (lease.with(call, NetworkAttachment::device) instanceof TapInterface tap) {
                known.add(tap.tap());
                state.links().stream()
                        .filter(link -> link.mac().equals(Optional.of(tap.mac())))
                        .filter(link -> !link.name().equals(tap.tap()))
                        .findFirst()
                        .ifPresentOrElse(link -> refresh(lease, tap, link, call), () -> gone(tap));
            }
        }
        NetworkDemand.links(state).stream()
                .filter(link -> !known.contains(link.name()))
                .forEach(this::newcomer);
        return new Result(NetworkDescription.of(state, links), left);
    }

    private void refresh(Lease<NetworkAttachment> lease, TapInterface tap, Link link, Call call) {
        known.add(link.name());
        lease.run(call, attachment -> attachment.update(source(link), call));
        if (link.mtu() > tap.mtu()) {
            left.add(
                    "The interface %s has an MTU of %d bytes now, but the guest's was made for at most %d: make the pod anew to use more."
                            .formatted(link.name(), link.mtu(), tap.mtu()));
        }
        links.add(
                new Link(
                        link.name(),
                        link.index(),
                        link.type(),
                        link.mac(),
                        Math.min(link.mtu(), tap.mtu()),
                        link.up()));
    }

    private NetworkSource source(Link link) {
        return new NetworkSource.PodLink(
                network,
                link.name(),
                NetworkDemand.kind(link),
                NetworkDescription.mac(link),
                link.mtu());
    }

    private void gone(Device device) {
        left.add(
                "The link of device %s is no longer in the pod's network, or has another Ethernet address: the guest keeps its interface until the pod is made anew."
                        .formatted(device.id()));
    }

    private void newcomer(Link link) {
        left.add(
                "The interface %s came into the pod's network after its machine was started, which can be given none then: make the pod anew to have it."
                        .formatted(link.name()));
    }
}
