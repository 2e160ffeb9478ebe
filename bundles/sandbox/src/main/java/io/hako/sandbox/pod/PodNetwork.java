// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.device.Device;
import io.hako.api.host.Link;
import io.hako.api.host.Links;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkProfile;
import io.hako.api.network.NetworkSource;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import io.hako.driverhost.Lease;
import io.hako.guest.GuestNetwork;
import io.hako.host.Machine;
import io.hako.host.NetworkEditor;
import io.hako.host.NetworkState;
import io.hako.ocispec.OciSpec;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a pod its interfaces: makes the network where hako is to, hands each link in it to the
 * network driver, and tells the guest what it is to have. Undoing is not done here: the journal has
 * all that was begun.
 */
final class PodNetwork {
    /** The pod's end of the link that hako makes. */
    static final String INTERFACE = "eth0";

    /** Bytes of a digest that fit into a link's 15 characters after {@code hako-}. */
    private static final int NAME_BYTES = 5;

    private static final Logger LOG = LoggerFactory.getLogger(PodNetwork.class);

    private final Pod pod;
    private final Machine machine;

    PodNetwork(Pod pod) {
        this.pod = pod;
        machine = pod.node().machine();
    }

    /** Where the namespace is bound that hako makes. */
    static NetworkNamespace namespace(Pod pod) {
        return new NetworkNamespace(pod.directory().resolve("netns"));
    }

    /**
     * Makes what hooks of the caller are to find, before they fill it: a namespace, if the caller
     * has none, and what hako itself is to put there.
     */
    NetworkNamespace prepare(OciSpec spec, Call call) {
        NetworkDemand demand = NetworkDemand.of(spec, pod, call);
        if (demand.made()) {
            make(call);
        }
        return demand.namespace()
                .orElseGet(() -> pod.effects().network(namespace(pod), pod.shim(call), call));
    }

    /**
     * Makes what the plan says, up to the devices for the machine.
     *
     * @return what the guest is to have: the namespace's state before a driver changed anything in
     *     it
     */
    GuestNetwork connect(Plan plan, Call call) {
        if (plan.network().made()) {
            make(call);
        }
        if (plan.networkDriver().isEmpty()) {
            return GuestNetwork.NONE;
        }
        NetworkNamespace network = plan.network().namespace().orElseThrow();
        NetworkState state = machine.network(network).read(call);
        List<Link> links = NetworkDemand.links(state);
        List<Lease<NetworkAttachment>> leases = new ArrayList<>();
        for (Link link : links) {
            leases.add(
                    connect(
                            network,
                            link,
                            Pod.NETWORK_SLOT + leases.size(),
                            plan.networkDriver().get(),
                            call));
            pod.networks(leases);
        }
        forwardLoopback(network, call);
        return NetworkDescription.of(state, links);
    }

    /** Without it the pod can do all but be reached on its loopback from the host. */
    private void forwardLoopback(NetworkNamespace network, Call call) {
        try {
            pod.effects().loopback(network, pod.shim(call), call);
        } catch (DriverException e) {
            if (e.failure() != FailureKind.UNSUPPORTED) {
                throw e;
            }
            LOG.warn("Sandbox {}: ports cannot be forwarded: {}", pod.owner(), e.getMessage());
        }
    }

    List<Device> devices(Call call) {
        return pod.networks().stream()
                .map(lease -> lease.with(call, NetworkAttachment::device))
                .toList();
    }

    private Lease<NetworkAttachment> connect(
            NetworkNamespace network,
            Link link,
            String slot,
            Planner.Offer<NetworkProfile> driver,
            Call call) {
        NetworkSource source =
                new NetworkSource.PodLink(
                        network,
                        link.name(),
                        NetworkDemand.kind(link),
                        NetworkDescription.mac(link),
                        link.mtu());
        return pod.drivers().connect(slot, driver.profile().id(), driver.settings(), source, call);
    }

    private void make(Call call) {
        NetworkNamespace network = pod.effects().network(namespace(pod), pod.shim(call), call);
        NetworkEditor host = machine.network(NetworkEditor.HOST);
        NetworkState before = host.read(call);
        pod.effects()
                .veth(
                        hostEnd(),
                        journal -> pod.addresses().claim(pod.owner(), before, journal),
                        addresses -> join(host, network, addresses, call));
    }

    /** The host's end is up first: a default route needs a gateway that is on the link. */
    private void join(
            NetworkEditor host, NetworkNamespace network, LinkAddresses addresses, Call call) {
        host.createVeth(hostEnd(), INTERFACE, network, call);
        host.addAddress(new NetworkState.Address(hostEnd(), addresses.host()), call);
        machine.links(NetworkEditor.HOST).setUp(hostEnd(), true, call);
        NetworkEditor inside = machine.network(network);
        Links links = machine.links(network);
        inside.addAddress(new NetworkState.Address(INTERFACE, addresses.pod()), call);
        links.setUp(INTERFACE, true, call);
        inside.addRoute(NetworkState.Route.byDefault(addresses.host().address(), INTERFACE), call);
    }

    /**
     * Of this sandbox alone: another daemon's of the same name, or an earlier one's, has another
     * shim.
     */
    String hostEnd() {
        try {
            String sandbox = pod.owner() + " " + pod.record().identity().instance();
            byte[] sum =
                    MessageDigest.getInstance("SHA-256")
                            .digest(sandbox.getBytes(StandardCharsets.UTF_8));
            return "hako-" + HexFormat.of().formatHex(sum, 0, NAME_BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java platform has SHA-256 (MessageDigest).", e);
        }
    }
}
