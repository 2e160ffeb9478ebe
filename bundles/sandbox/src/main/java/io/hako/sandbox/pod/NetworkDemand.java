// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.host.Link;
import io.hako.api.network.LinkKind;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.NetworkEditor;
import io.hako.host.NetworkState;
import io.hako.ocispec.OciNamespace;
import io.hako.ocispec.OciSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;

/**
 * The network that a pod asks for.
 *
 * @param namespace that the monitor runs in; absent: an empty one
 * @param made whether hako makes the namespace and a link in it; else the caller has made what
 *     there is
 * @param interfaces that the guest gets, by the kinds of the links behind them
 */
record NetworkDemand(
        Optional<NetworkNamespace> namespace, boolean made, List<LinkKind> interfaces) {
    /** Nothing but the guest's own loopback. */
    static final NetworkDemand NONE = new NetworkDemand(Optional.empty(), false, List.of());

    private static final String ANNOTATION = "io.hako.network";
    private static final String VETH = "veth";
    private static final String LOOPBACK = "lo";

    NetworkDemand {
        interfaces = List.copyOf(interfaces);
    }

    /**
     * A namespace that the caller made comes before what an annotation says, and so does one that
     * was made for the caller's hooks.
     */
    static NetworkDemand of(OciSpec spec, Pod pod, Call call) {
        Optional<NetworkNamespace> given = given(spec).or(() -> pod.effects().network());
        if (given.isPresent()) {
            refuseTheHosts(given.get());
            NetworkState state = pod.node().machine().network(given.get()).read(call);
            return new NetworkDemand(
                    given, false, links(state).stream().map(NetworkDemand::kind).toList());
        }
        String asked = asked(spec);
        return switch (asked) {
            case "none" -> NONE;
            case VETH ->
                    new NetworkDemand(
                            Optional.of(PodNetwork.namespace(pod)), true, List.of(LinkKind.VETH));
            default ->
                    throw DriverException.invalid(
                            "The annotation %s is \"none\" or \"veth\", but is \"%s\"."
                                    .formatted(ANNOTATION, asked));
        };
    }

    /** Its links would be taken from this host, and its loopback be led into the guest. */
    private static void refuseTheHosts(NetworkNamespace given) {
        boolean same;
        try {
            same = Files.isSameFile(given.path(), NetworkEditor.HOST.path());
        } catch (IOException e) {
            return; // whoever opens it says what is wrong with it
        }
        if (same) {
            throw DriverException.unsupported(
                    "The network namespace %s is this host's own, which no guest can be given: make the pod one of its own."
                            .formatted(given));
        }
    }

    /** Whether it is hako's to give the containers all that belongs to a network. */
    static boolean madeByHako(OciSpec spec) {
        return given(spec).isEmpty() && asked(spec).equals(VETH);
    }

    private static String asked(OciSpec spec) {
        return spec.annotations().getOrDefault(ANNOTATION, "none");
    }

    private static Optional<NetworkNamespace> given(OciSpec spec) {
        return spec.namespaces().stream()
                .filter(namespace -> namespace.type().equals("network"))
                .findFirst()
                .flatMap(OciNamespace::path)
                .map(NetworkNamespace::new);
    }

    /**
     * What a namespace offers a guest: one that is down, as the kernel's fallback tunnels are, is
     * nobody's interface.
     */
    static List<Link> links(NetworkState state) {
        return state.links().stream()
                .filter(link -> link.up() && !link.name().equals(LOOPBACK))
                .toList();
    }

    /** By IFLA_INFO_KIND (rtnetlink(7)), which a physical device does not have. */
    static LinkKind kind(Link link) {
        return switch (link.type()) {
            case "veth" -> LinkKind.VETH;
            case "macvlan" -> LinkKind.MACVLAN;
            case "ipvlan" -> LinkKind.IPVLAN;
            case "" -> LinkKind.PHYSICAL;
            default ->
                    throw DriverException.unsupported(
                            "The interface %s of the pod's network is of type %s, which no guest can be given."
                                    .formatted(link.name(), link.type()));
        };
    }
}
