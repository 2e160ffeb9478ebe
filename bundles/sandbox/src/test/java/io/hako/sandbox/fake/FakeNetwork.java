// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.fake;

import io.hako.api.host.Link;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MacAddress;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.NetworkEditor;
import io.hako.host.NetworkState;
import io.hako.host.NetworkWatch;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/**
 * The host's network in memory: it outlives the daemons of a test. A namespace lives as long as its
 * file is mounted. Thread-safe.
 */
public final class FakeNetwork {
    private final Predicate<NetworkNamespace> lives;
    private final Map<NetworkNamespace, Space> spaces = new HashMap<>();
    private final Set<NetworkNamespace> foreign = new HashSet<>();
    private final Map<Runnable, NetworkNamespace> watches = new HashMap<>();
    private int links;

    /**
     * What one namespace holds; a link's peer is the name of the veth's other end with its
     * namespace.
     */
    private static final class Space {
        private final Map<String, Link> links = new TreeMap<>();
        private final Map<String, End> peers = new HashMap<>();
        private final Map<String, String> redirects = new HashMap<>();
        private final List<NetworkState.Address> addresses = new ArrayList<>();
        private final List<NetworkState.Route> routes = new ArrayList<>();
        private Optional<Integer> loopback = Optional.empty();
    }

    private record End(NetworkNamespace network, String name) {}

    FakeNetwork(Predicate<NetworkNamespace> lives) {
        this.lives = lives;
        spaces.put(NetworkEditor.HOST, new Space());
    }

    /** This host is in a network by another link. */
    public synchronized void hostAddress(String prefix) {
        spaces.get(NetworkEditor.HOST)
                .addresses
                .add(new NetworkState.Address("wan", NetworkState.Prefix.of(prefix)));
    }

    /** A namespace that a caller of hako has made, with a link that is up. */
    public synchronized void foreign(
            NetworkNamespace network, String link, String type, NetworkState.Prefix address) {
        foreign.add(network);
        add(network);
        plug(network, link, type, address);
    }

    /** Someone else puts a link that is up into a namespace. */
    public synchronized void plug(
            NetworkNamespace network, String link, String type, NetworkState.Prefix address) {
        link(network, link, type);
        change(network, link, l -> new Link(l.name(), l.index(), l.type(), l.mac(), 1450, true));
        address(network, new NetworkState.Address(link, address));
    }

    /** The caller of hako changes a link of its namespace: MTU and the only address. */
    public synchronized void changed(
            NetworkNamespace network, String link, int mtu, NetworkState.Prefix address) {
        change(network, link, l -> new Link(l.name(), l.index(), l.type(), l.mac(), mtu, l.up()));
        space(network).addresses.removeIf(had -> had.link().equals(link));
        address(network, new NetworkState.Address(link, address));
        tell(network);
    }

    /** A link comes into a namespace that the caller of hako has made. */
    public synchronized void joined(NetworkNamespace network, String link) {
        link(network, link, "veth");
        change(network, link, l -> new Link(l.name(), l.index(), l.type(), l.mac(), 1500, true));
        tell(network);
    }

    private void tell(NetworkNamespace network) {
        watches.forEach(
                (changed, watched) -> {
                    if (watched.equals(network)) {
                        changed.run();
                    }
                });
    }

    synchronized NetworkWatch watch(NetworkNamespace network, Runnable changed) {
        space(network);
        watches.put(changed, network);
        return () -> forget(changed);
    }

    /** How many look at any namespace. */
    public synchronized int watches() {
        return watches.size();
    }

    private synchronized void forget(Runnable changed) {
        watches.remove(changed);
    }

    /** What hako has to take away and has not. */
    synchronized List<String> left() {
        return spaces.keySet().stream()
                .filter(this::isThere)
                .flatMap(
                        network -> {
                            Space space = spaces.get(network);
                            List<String> all = new ArrayList<>();
                            space.links.values().stream()
                                    .filter(
                                            link ->
                                                    !foreign.contains(network)
                                                            || link.type().equals("tun"))
                                    .map(Link::name)
                                    .forEach(
                                            name ->
                                                    all.add(
                                                            "link %s in %s"
                                                                    .formatted(name, network)));
                            space.loopback.ifPresent(
                                    port -> all.add("redirect of the loopback of " + network));
                            space.redirects
                                    .keySet()
                                    .forEach(
                                            name ->
                                                    all.add(
                                                            "redirect on %s in %s"
                                                                    .formatted(name, network)));
                            return all.stream();
                        })
                .toList();
    }

    synchronized void add(NetworkNamespace network) {
        spaces.put(network, new Space());
    }

    synchronized NetworkState state(NetworkNamespace network) {
        Space space = space(network);
        return new NetworkState(
                List.copyOf(space.links.values()), space.addresses, space.routes, List.of());
    }

    synchronized void loopback(NetworkNamespace network, int port) {
        space(network).loopback = Optional.of(port);
    }

    synchronized void stopLoopback(NetworkNamespace network) {
        space(network).loopback = Optional.empty();
    }

    synchronized Optional<Link> find(NetworkNamespace network, String name) {
        return Optional.ofNullable(space(network).links.get(name));
    }

    synchronized void tap(NetworkNamespace network, String name) {
        if (find(network, name).isEmpty()) {
            link(network, name, "tun");
        }
    }

    synchronized void veth(
            NetworkNamespace network, String name, NetworkNamespace peerNetwork, String peer) {
        if (find(network, name).isPresent() != find(peerNetwork, peer).isPresent()) {
            throw new DriverException(
                    FailureKind.ALREADY_EXISTS,
                    "The name %s or %s is taken.".formatted(name, peer));
        }
        if (find(network, name).isEmpty()) {
            link(network, name, "veth");
            link(peerNetwork, peer, "veth");
            space(network).peers.put(name, new End(peerNetwork, peer));
            space(peerNetwork).peers.put(peer, new End(network, name));
        }
    }

    private void link(NetworkNamespace network, String name, String type) {
        MacAddress mac =
                new MacAddress("02:00:00:00:%02x:%02x".formatted(++links / 256, links % 256));
        space(network).links.put(name, new Link(name, links, type, Optional.of(mac), 1500, false));
    }

    synchronized void change(NetworkNamespace network, String name, UnaryOperator<Link> change) {
        space(network).links.put(name, change.apply(required(network, name)));
    }

    synchronized void address(NetworkNamespace network, NetworkState.Address address) {
        required(network, address.link());
        space(network).addresses.add(address);
    }

    synchronized void route(NetworkNamespace network, NetworkState.Route route) {
        if (!required(network, route.link()).up()) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The interface %s is down: Network is unreachable.".formatted(route.link()));
        }
        space(network).routes.add(route);
    }

    synchronized void redirect(NetworkNamespace network, String one, String other) {
        required(network, one);
        required(network, other);
        space(network).redirects.put(one, other);
        space(network).redirects.put(other, one);
    }

    synchronized void stopRedirect(NetworkNamespace network, String name) {
        required(network, name);
        space(network).redirects.remove(name);
    }

    /** With its peer, and all that is on it. */
    synchronized void delete(NetworkNamespace network, String name) {
        Space space = space(network);
        space.links.remove(name);
        space.redirects.remove(name);
        space.addresses.removeIf(address -> address.link().equals(name));
        space.routes.removeIf(route -> route.link().equals(name));
        End peer = space.peers.remove(name);
        if (peer != null && isThere(peer.network())) {
            delete(peer.network(), peer.name());
        }
    }

    private Link required(NetworkNamespace network, String name) {
        return find(network, name)
                .orElseThrow(
                        () ->
                                new DriverException(
                                        FailureKind.NOT_FOUND,
                                        "There is no interface %s in %s."
                                                .formatted(name, network)));
    }

    private Space space(NetworkNamespace network) {
        if (!isThere(network)) {
            spaces.remove(network);
            throw new DriverException(
                    FailureKind.NOT_FOUND, "There is no network namespace %s.".formatted(network));
        }
        return spaces.get(network);
    }

    private boolean isThere(NetworkNamespace network) {
        return spaces.containsKey(network)
                && (network.equals(NetworkEditor.HOST)
                        || foreign.contains(network)
                        || lives.test(network));
    }
}
