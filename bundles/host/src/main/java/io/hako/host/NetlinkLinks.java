// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.host.Link;
import io.hako.api.host.Links;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MacAddress;
import io.hako.api.types.Names;
import io.hako.host.linux.NetlinkMessage;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * {@link Links} by netlink: each call enters the access.namespace(), asks over a socket of its own
 * and leaves nothing open.
 */
record NetlinkLinks(NetlinkAccess access) implements Links {
    private static final int LONGEST_NAME = 15;
    private static final int MOST_QUEUES = 256;
    private static final String TAP_KIND = "tun";

    private static final int ENOENT = 2;
    private static final int EEXIST = 17;
    private static final int ENODEV = 19;
    private static final int EINVAL = 22;

    @Override
    public List<Link> list(Call call) {
        return access.inside(
                "list the interfaces of " + access.namespace(), call, NetlinkAccess::links);
    }

    @Override
    public Optional<Link> find(String name, Call call) {
        return access.inside(
                "look for interface " + name, call, socket -> NetlinkAccess.find(socket, name));
    }

    @Override
    public void createTap(String name, int queues, Call call) {
        Names.name("The name of a tap", name, LONGEST_NAME);
        Names.within("The number of queues of tap " + name, queues, 1, MOST_QUEUES);
        access.inside(
                "make tap " + name,
                call,
                socket -> {
                    Optional<Link> there = NetlinkAccess.find(socket, name);
                    if (there.isPresent() && !there.get().type().equals(TAP_KIND)) {
                        throw new DriverException(
                                FailureKind.ALREADY_EXISTS,
                                "Tap %s cannot be made in %s: an interface of type \"%s\" has that name."
                                        .formatted(name, access.namespace(), there.get().type()));
                    }
                    if (there.isEmpty()) {
                        access.network().get().taps().createPersistent(name, queues > 1);
                    }
                    return true;
                });
    }

    @Override
    public void delete(String name, Call call) {
        access.inside(
                "delete interface " + name,
                call,
                socket -> {
                    NetlinkAccess.find(socket, name)
                            .ifPresent(
                                    link ->
                                            NetlinkAccess.change(
                                                    socket,
                                                    LinkMessages.delete(link.index()),
                                                    Set.of(ENODEV)));
                    return true;
                });
    }

    @Override
    public void setUp(String name, boolean up, Call call) {
        set(name, link -> LinkMessages.up(link.index(), up), call);
    }

    @Override
    public void setMtu(String name, int mtu, Call call) {
        set(name, link -> LinkMessages.mtu(link.index(), mtu), call);
    }

    @Override
    public void setMac(String name, MacAddress mac, Call call) {
        set(name, link -> LinkMessages.mac(link.index(), mac), call);
    }

    @Override
    public void redirect(String one, String other, Call call) {
        access.inside(
                "redirect between %s and %s".formatted(one, other),
                call,
                socket -> {
                    Link first = access.existing(socket, one);
                    Link second = access.existing(socket, other);
                    // Both ends can take frames before either sends any.
                    NetlinkAccess.change(
                            socket, LinkMessages.addIngress(first.index()), Set.of(EEXIST));
                    NetlinkAccess.change(
                            socket, LinkMessages.addIngress(second.index()), Set.of(EEXIST));
                    NetlinkAccess.change(
                            socket, LinkMessages.redirect(first.index(), second.index()), Set.of());
                    NetlinkAccess.change(
                            socket, LinkMessages.redirect(second.index(), first.index()), Set.of());
                    return true;
                });
    }

    @Override
    public void stopRedirect(String name, Call call) {
        access.inside(
                "stop the redirect of " + name,
                call,
                socket -> {
                    // EINVAL is what the kernel says where the interface has no such queueing
                    // discipline.
                    NetlinkAccess.change(
                            socket,
                            LinkMessages.removeIngress(access.existing(socket, name).index()),
                            Set.of(ENOENT, EINVAL));
                    return true;
                });
    }

    private void set(String name, Function<Link, NetlinkMessage> message, Call call) {
        access.inside(
                "set up interface " + name,
                call,
                socket -> {
                    NetlinkAccess.change(
                            socket, message.apply(access.existing(socket, name)), Set.of());
                    return true;
                });
    }
}
