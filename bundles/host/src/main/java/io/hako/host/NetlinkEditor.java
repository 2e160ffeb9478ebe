// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import com.sun.jna.LastErrorException;
import io.hako.api.host.Link;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Names;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.linux.NetlinkMessage;
import io.hako.host.linux.NetlinkSocket;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.IntFunction;
import java.util.stream.Collectors;

/** {@link NetworkEditor} by netlink. */
record NetlinkEditor(NetlinkAccess access) implements NetworkEditor {
    private static final int LONGEST_NAME = 15;
    private static final String VETH = "veth";
    private static final int ENOENT = 2;
    private static final int EEXIST = 17;

    /**
     * What a kernel says that lacks a part of it: EOPNOTSUPP, EPROTONOSUPPORT, EAFNOSUPPORT, EINVAL
     * for the subsystem, and ENOENT for a kind of chain or expression.
     */
    private static final Set<Integer> WITHOUT_NAT = Set.of(95, 93, 97, 22, ENOENT);

    @Override
    public void createVeth(String name, String peer, NetworkNamespace peerNetwork, Call call) {
        Names.name("The name of an interface", name, LONGEST_NAME);
        Names.name("The name of an interface", peer, LONGEST_NAME);
        access.inside(
                "make the veth pair %s and %s".formatted(name, peer),
                call,
                socket -> {
                    if (!isVeth(NetlinkAccess.find(socket, name))) {
                        make(socket, name, peer, peerNetwork);
                    }
                    return true;
                });
        NetlinkAccess there = new NetlinkAccess(peerNetwork, access.network(), access.threads());
        if (!isVeth(
                there.inside(
                        "look for interface " + peer,
                        call,
                        socket -> NetlinkAccess.find(socket, peer)))) {
            throw taken(name, access.namespace());
        }
    }

    private void make(
            NetlinkSocket socket, String name, String peer, NetworkNamespace peerNetwork) {
        int descriptor = access.network().get().namespaces().open(peerNetwork);
        try {
            socket.change(NetworkMessages.veth(name, peer, descriptor));
        } catch (LastErrorException e) {
            throw e.getErrorCode() == EEXIST ? taken(name + " or " + peer, access.namespace()) : e;
        } finally {
            access.network().get().libc().close(descriptor);
        }
    }

    private static boolean isVeth(Optional<Link> link) {
        return link.filter(there -> there.type().equals(VETH)).isPresent();
    }

    private static DriverException taken(String name, NetworkNamespace network) {
        return new DriverException(
                FailureKind.ALREADY_EXISTS,
                "The veth pair cannot be made from %s: the name %s is taken by another interface."
                        .formatted(network, name));
    }

    @Override
    public void addAddress(NetworkState.Address address, Call call) {
        add(
                "give %s the address %s".formatted(address.link(), address.prefix()),
                address.link(),
                call,
                link -> NetworkMessages.address(link, address.prefix()));
    }

    @Override
    public void addRoute(NetworkState.Route route, Call call) {
        add(
                "add a route by " + route.link(),
                route.link(),
                call,
                link -> NetworkMessages.route(link, route));
    }

    private void add(String what, String link, Call call, IntFunction<NetlinkMessage> message) {
        access.inside(
                what,
                call,
                socket -> {
                    int index = access.existing(socket, link).index();
                    NetlinkAccess.change(socket, message.apply(index), Set.of(EEXIST));
                    return true;
                });
    }

    @Override
    public void redirectLoopback(int port, OptionalInt portOfIpv6, Call call) {
        stopRedirectLoopback(call);
        access.inFilter(
                "redirect the loopback of " + access.namespace(),
                call,
                socket -> {
                    try {
                        socket.transact(NftablesMessages.redirect(port, portOfIpv6));
                    } catch (LastErrorException e) {
                        throw WITHOUT_NAT.contains(e.getErrorCode()) ? withoutNat() : e;
                    }
                    return true;
                });
    }

    private DriverException withoutNat() {
        return DriverException.unsupported(
                "The loopback of %s cannot be redirected: this kernel has no nf_tables with NAT (CONFIG_NF_TABLES_INET, CONFIG_NFT_NAT, CONFIG_NFT_REDIR)."
                        .formatted(access.namespace()));
    }

    @Override
    public void stopRedirectLoopback(Call call) {
        access.inFilter(
                "leave the loopback of %s as it was".formatted(access.namespace()),
                call,
                socket -> {
                    try {
                        socket.transact(NftablesMessages.remove());
                    } catch (LastErrorException e) {
                        if (e.getErrorCode() != ENOENT && !WITHOUT_NAT.contains(e.getErrorCode())) {
                            throw e;
                        }
                    }
                    return true;
                });
    }

    @Override
    public NetworkState read(Call call) {
        return access.inside(
                "read the network of " + access.namespace(), call, NetlinkEditor::read);
    }

    private static NetworkState read(NetlinkSocket socket) {
        List<Link> links = NetlinkAccess.links(socket);
        Map<Integer, String> names =
                links.stream().collect(Collectors.toUnmodifiableMap(Link::index, Link::name));
        return new NetworkState(
                links,
                all(socket, NetworkMessages.addresses(), names, NetworkMessages::address),
                all(socket, NetworkMessages.routes(), names, NetworkMessages::route),
                all(socket, NetworkMessages.neighbours(), names, NetworkMessages::neighbour));
    }

    private static <T> List<T> all(
            NetlinkSocket socket,
            NetlinkMessage dump,
            Map<Integer, String> names,
            BiFunction<ByteBuffer, Map<Integer, String>, Optional<T>> reading) {
        return socket.dump(dump).stream()
                .map(message -> reading.apply(message, names))
                .flatMap(Optional::stream)
                .toList();
    }
}
