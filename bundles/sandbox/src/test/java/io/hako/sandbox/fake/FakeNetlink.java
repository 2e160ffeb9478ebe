// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.fake;

import io.hako.api.host.Link;
import io.hako.api.host.Links;
import io.hako.api.types.Call;
import io.hako.api.types.MacAddress;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.NetworkEditor;
import io.hako.host.NetworkState;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** A daemon's way to one network namespace of an outside world. */
public record FakeNetlink(Daemon daemon, FakeNetwork network, NetworkNamespace namespace)
        implements Links, NetworkEditor {
    private FakeNetwork out() {
        daemon.pass();
        return network;
    }

    @Override
    public List<Link> list(Call call) {
        return out().state(namespace).links();
    }

    @Override
    public Optional<Link> find(String name, Call call) {
        return out().find(namespace, name);
    }

    @Override
    public void createTap(String name, int queues, Call call) {
        out().tap(namespace, name);
    }

    @Override
    public void delete(String name, Call call) {
        out().delete(namespace, name);
    }

    @Override
    public void setUp(String name, boolean up, Call call) {
        out().change(
                        namespace,
                        name,
                        l -> new Link(name, l.index(), l.type(), l.mac(), l.mtu(), up));
    }

    @Override
    public void setMtu(String name, int mtu, Call call) {
        out().change(
                        namespace,
                        name,
                        l -> new Link(name, l.index(), l.type(), l.mac(), mtu, l.up()));
    }

    @Override
    public void setMac(String name, MacAddress mac, Call call) {
        out().change(
                        namespace,
                        name,
                        l ->
                                new Link(
                                        name,
                                        l.index(),
                                        l.type(),
                                        Optional.of(mac),
                                        l.mtu(),
                                        l.up()));
    }

    @Override
    public void redirect(String one, String other, Call call) {
        out().redirect(namespace, one, other);
    }

    @Override
    public void stopRedirect(String name, Call call) {
        out().stopRedirect(namespace, name);
    }

    @Override
    public void createVeth(String name, String peer, NetworkNamespace peerNetwork, Call call) {
        out().veth(namespace, name, peerNetwork, peer);
    }

    @Override
    public void addAddress(NetworkState.Address address, Call call) {
        out().address(namespace, address);
    }

    @Override
    public void addRoute(NetworkState.Route route, Call call) {
        out().route(namespace, route);
    }

    @Override
    public void redirectLoopback(int port, OptionalInt portOfIpv6, Call call) {
        out().loopback(namespace, port);
    }

    @Override
    public void stopRedirectLoopback(Call call) {
        out().stopLoopback(namespace);
    }

    @Override
    public NetworkState read(Call call) {
        return out().state(namespace);
    }
}
