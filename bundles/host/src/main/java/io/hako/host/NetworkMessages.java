// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.types.MacAddress;
import io.hako.host.NetworkState.Address;
import io.hako.host.NetworkState.Neighbour;
import io.hako.host.NetworkState.Prefix;
import io.hako.host.NetworkState.Route;
import io.hako.host.linux.Attributes;
import io.hako.host.linux.NetlinkMessage;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;

/**
 * Messages of rtnetlink(7) about veth pairs, addresses, routes and neighbours. Numbers:
 * linux/rtnetlink.h, if_addr.h, neighbour.h, veth.h.
 */
final class NetworkMessages {
    private static final int RTM_NEWLINK = 16;
    private static final int RTM_NEWADDR = 20;
    private static final int RTM_GETADDR = 22;
    private static final int RTM_NEWROUTE = 24;
    private static final int RTM_GETROUTE = 26;
    private static final int RTM_GETNEIGH = 30;

    private static final int IFLA_IFNAME = 3;
    private static final int IFLA_LINKINFO = 18;
    private static final int IFLA_NET_NS_FD = 28;
    private static final int IFLA_INFO_KIND = 1;
    private static final int IFLA_INFO_DATA = 2;
    private static final int VETH_INFO_PEER = 1;

    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int IFA_ADDRESS = 1;
    private static final int IFA_LOCAL = 2;
    private static final int IFA_PROTO = 11;
    private static final int IFA_F_NODAD = 2;
    private static final int IFA_F_DADFAILED = 8;
    private static final int IFAPROT_KERNEL_RA = 2;
    private static final int ADDRESS_FIXED_SIZE = 8;

    private static final int RTA_DST = 1;
    private static final int RTA_OIF = 4;
    private static final int RTA_GATEWAY = 5;
    private static final int RTA_PRIORITY = 6;
    private static final int RTA_PREFSRC = 7;
    private static final int RTA_METRICS = 8;
    private static final int RTA_VIA = 18;
    private static final int RTAX_MTU = 2;
    private static final int RT_TABLE_MAIN = 254;
    private static final int RTPROT_REDIRECT = 1;
    private static final int RTPROT_STATIC = 4;
    private static final int RTPROT_RA = 9;
    private static final int RTN_UNICAST = 1;
    private static final int RTM_F_CLONED = 0x200;
    private static final int RTNH_F_ONLINK = 4;
    private static final int RT_SCOPE_LINK = 253;
    private static final int ROUTE_FIXED_SIZE = 12;

    private static final int NDA_DST = 1;
    private static final int NDA_LLADDR = 2;
    private static final int NUD_PERMANENT = 0x80;
    private static final int NEIGHBOUR_FIXED_SIZE = 12;
    private static final int MAC_SIZE = 6;

    private static final int MAKE =
            NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCLUSIVE;

    private NetworkMessages() {}

    /**
     * @param peerNetwork descriptor of the peer's namespace, open in this process
     */
    static NetlinkMessage veth(String name, String peer, int peerNetwork) {
        return new NetlinkMessage(RTM_NEWLINK, MAKE)
                .link(0, 0, 0)
                .attribute(IFLA_IFNAME, name)
                .nested(
                        IFLA_LINKINFO,
                        info ->
                                info.attribute(IFLA_INFO_KIND, "veth")
                                        .nested(
                                                IFLA_INFO_DATA,
                                                data ->
                                                        data.nested(
                                                                VETH_INFO_PEER,
                                                                other ->
                                                                        other.link(0, 0, 0)
                                                                                .attribute(
                                                                                        IFLA_IFNAME,
                                                                                        peer)
                                                                                .attribute(
                                                                                        IFLA_NET_NS_FD,
                                                                                        peerNetwork))));
    }

    static NetlinkMessage address(int link, Prefix prefix) {
        byte[] address = prefix.address().getAddress();
        byte[] fixed = {(byte) family(prefix.address()), (byte) prefix.length(), IFA_F_NODAD, 0};
        return new NetlinkMessage(RTM_NEWADDR, MAKE)
                .bytes(fixed)
                .number(link)
                .attribute(IFA_LOCAL, address)
                .attribute(IFA_ADDRESS, address);
    }

    static NetlinkMessage route(int link, Route route) {
        int length = route.destination().map(Prefix::length).orElse(0);
        byte[] fixed = {
            (byte) (route.ipv6() ? AF_INET6 : AF_INET),
            (byte) length,
            0,
            0,
            (byte) RT_TABLE_MAIN,
            RTPROT_STATIC,
            (byte) (route.gateway().isPresent() ? route.scope() : RT_SCOPE_LINK),
            RTN_UNICAST
        };
        NetlinkMessage message =
                new NetlinkMessage(RTM_NEWROUTE, MAKE)
                        .bytes(fixed)
                        .number(route.onlink() ? RTNH_F_ONLINK : 0)
                        .attribute(RTA_OIF, link);
        route.destination().ifPresent(to -> message.attribute(RTA_DST, to.address().getAddress()));
        route.gateway().ifPresent(gateway -> message.attribute(RTA_GATEWAY, gateway.getAddress()));
        route.source().ifPresent(source -> message.attribute(RTA_PREFSRC, source.getAddress()));
        if (route.metric() != 0) {
            message.attribute(RTA_PRIORITY, route.metric());
        }
        if (route.mtu() != 0) {
            message.nested(RTA_METRICS, metrics -> metrics.attribute(RTAX_MTU, route.mtu()));
        }
        return message;
    }

    static NetlinkMessage addresses() {
        return new NetlinkMessage(RTM_GETADDR, NetlinkMessage.DUMP).number(0).number(0);
    }

    static NetlinkMessage routes() {
        return new NetlinkMessage(RTM_GETROUTE, NetlinkMessage.DUMP).number(0).number(0).number(0);
    }

    static NetlinkMessage neighbours() {
        return new NetlinkMessage(RTM_GETNEIGH, NetlinkMessage.DUMP).number(0).number(0).number(0);
    }

    /**
     * struct ifaddrmsg: family, prefix length, flags, scope, index. Nothing for one that a router
     * advertised, and for one that another station has.
     */
    static Optional<Address> address(ByteBuffer message, Map<Integer, String> links) {
        boolean ipv6 = message.get(0) == AF_INET6;
        int length = Byte.toUnsignedInt(message.get(1));
        boolean taken = ipv6 && (message.get(2) & IFA_F_DADFAILED) != 0;
        String link = links.getOrDefault(message.getInt(4), "");
        Attributes attributes = Attributes.of(message.position(ADDRESS_FIXED_SIZE));
        return attributes
                .address(IFA_LOCAL)
                .or(() -> attributes.address(IFA_ADDRESS))
                .filter(address -> !taken && !advertised(attributes))
                .map(address -> new Address(link, new Prefix(address, length)));
    }

    private static boolean advertised(Attributes attributes) {
        return attributes.bytes(IFA_PROTO).filter(by -> by[0] == IFAPROT_KERNEL_RA).isPresent();
    }

    /** struct rtmsg: family, lengths, tos, table, protocol, scope, type, flags. */
    static Optional<Route> route(ByteBuffer message, Map<Integer, String> links) {
        boolean ipv6 = message.get(0) == AF_INET6;
        int length = Byte.toUnsignedInt(message.get(1));
        boolean wanted =
                Byte.toUnsignedInt(message.get(4)) == RT_TABLE_MAIN
                        && message.get(5) != RTPROT_RA
                        && message.get(5) != RTPROT_REDIRECT
                        && message.get(7) == RTN_UNICAST
                        && (message.getInt(8) & RTM_F_CLONED) == 0;
        int scope = Byte.toUnsignedInt(message.get(6));
        boolean onlink = (message.getInt(8) & RTNH_F_ONLINK) != 0;
        Attributes attributes = Attributes.of(message.position(ROUTE_FIXED_SIZE));
        Route route =
                new Route(
                        attributes.address(RTA_DST).map(address -> new Prefix(address, length)),
                        attributes.address(RTA_GATEWAY),
                        attributes.address(RTA_PREFSRC),
                        links.getOrDefault(attributes.number(RTA_OIF), ""),
                        scope,
                        attributes
                                .nested(RTA_METRICS)
                                .map(metrics -> metrics.number(RTAX_MTU))
                                .orElse(0),
                        attributes.number(RTA_PRIORITY),
                        ipv6,
                        onlink);
        boolean otherFamily = attributes.bytes(RTA_VIA).isPresent();
        return Optional.of(route).filter(any -> wanted && !otherFamily && !any.link().isEmpty());
    }

    /** struct ndmsg: family, index, state, flags, type. */
    static Optional<Neighbour> neighbour(ByteBuffer message, Map<Integer, String> links) {
        String link = links.getOrDefault(message.getInt(4), "");
        boolean permanent = (message.getShort(8) & NUD_PERMANENT) != 0;
        Attributes attributes = Attributes.of(message.position(NEIGHBOUR_FIXED_SIZE));
        Optional<InetAddress> address = attributes.address(NDA_DST);
        Optional<MacAddress> mac =
                attributes
                        .bytes(NDA_LLADDR)
                        .filter(
                                bytes ->
                                        permanent
                                                && bytes.length == MAC_SIZE
                                                && (bytes[0] & 1) == 0)
                        .map(bytes -> new MacAddress(HexFormat.ofDelimiter(":").formatHex(bytes)));
        return address.flatMap(ip -> mac.map(station -> new Neighbour(ip, station, link)));
    }

    private static int family(InetAddress address) {
        return address.getAddress().length > Integer.BYTES ? AF_INET6 : AF_INET;
    }
}
