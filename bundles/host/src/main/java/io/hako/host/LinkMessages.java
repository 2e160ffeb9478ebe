// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.host.Link;
import io.hako.api.types.MacAddress;
import io.hako.host.linux.Attributes;
import io.hako.host.linux.NetlinkMessage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Messages of rtnetlink(7) about links and traffic control. Numbers: linux/rtnetlink.h, if_link.h,
 * pkt_cls.h, tc_act/tc_mirred.h.
 */
final class LinkMessages {
    private static final int RTM_NEWLINK = 16;
    private static final int RTM_DELLINK = 17;
    private static final int RTM_GETLINK = 18;
    private static final int RTM_NEWQDISC = 36;
    private static final int RTM_DELQDISC = 37;
    private static final int RTM_NEWTFILTER = 44;

    private static final int IFF_UP = 1;
    private static final int IFLA_ADDRESS = 1;
    private static final int IFLA_IFNAME = 3;
    private static final int IFLA_MTU = 4;
    private static final int IFLA_LINKINFO = 18;
    private static final int IFLA_INFO_KIND = 1;
    private static final int MAC_SIZE = 6;

    private static final int TCA_KIND = 1;
    private static final int TCA_OPTIONS = 2;
    private static final int TC_H_INGRESS = 0xFFFF_FFF1;
    private static final int INGRESS_HANDLE = 0xFFFF_0000;
    private static final int ETH_P_ALL = 0x0003;
    private static final int PRIORITY = 1;
    // The first entry of the filter's first table (800::800): a fixed one, so that setting it again
    // replaces it.
    private static final int FILTER_HANDLE = 0x8000_0800;
    private static final int TCA_U32_SEL = 5;
    private static final int TCA_U32_ACT = 7;
    private static final byte TC_U32_TERMINAL = 1;
    private static final int SELECTOR_SIZE = 16;
    private static final int KEY_SIZE = 16;
    private static final int TCA_ACT_KIND = 1;
    private static final int TCA_ACT_OPTIONS = 2;
    private static final int TCA_MIRRED_PARMS = 2;
    private static final int MIRRED_SIZE = 28;
    private static final int TC_ACT_STOLEN = 4;
    private static final int TCA_EGRESS_REDIR = 1;

    private static final int LINK_FIXED_SIZE = 16;

    private LinkMessages() {}

    static NetlinkMessage list() {
        return new NetlinkMessage(RTM_GETLINK, NetlinkMessage.DUMP).link(0, 0, 0);
    }

    static NetlinkMessage delete(int index) {
        return new NetlinkMessage(RTM_DELLINK, NetlinkMessage.ACK).link(index, 0, 0);
    }

    static NetlinkMessage up(int index, boolean up) {
        return new NetlinkMessage(RTM_NEWLINK, NetlinkMessage.ACK)
                .link(index, up ? IFF_UP : 0, IFF_UP);
    }

    static NetlinkMessage mtu(int index, int mtu) {
        return new NetlinkMessage(RTM_NEWLINK, NetlinkMessage.ACK)
                .link(index, 0, 0)
                .attribute(IFLA_MTU, mtu);
    }

    static NetlinkMessage mac(int index, MacAddress mac) {
        byte[] bytes = HexFormat.ofDelimiter(":").parseHex(mac.text());
        return new NetlinkMessage(RTM_NEWLINK, NetlinkMessage.ACK)
                .link(index, 0, 0)
                .attribute(IFLA_ADDRESS, bytes);
    }

    static NetlinkMessage addIngress(int index) {
        int flags = NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.EXCLUSIVE;
        return new NetlinkMessage(RTM_NEWQDISC, flags)
                .trafficControl(index, INGRESS_HANDLE, TC_H_INGRESS, 0)
                .attribute(TCA_KIND, "ingress");
    }

    static NetlinkMessage removeIngress(int index) {
        return new NetlinkMessage(RTM_DELQDISC, NetlinkMessage.ACK)
                .trafficControl(index, INGRESS_HANDLE, TC_H_INGRESS, 0)
                .attribute(TCA_KIND, "ingress");
    }

    /**
     * A u32 filter that matches every frame, since every kernel has u32, with a mirred action that
     * hands the frame over.
     */
    static NetlinkMessage redirect(int from, int to) {
        int info = PRIORITY << 16 | Short.toUnsignedInt(networkOrder((short) ETH_P_ALL));
        return new NetlinkMessage(
                        RTM_NEWTFILTER,
                        NetlinkMessage.ACK | NetlinkMessage.CREATE | NetlinkMessage.REPLACE)
                .trafficControl(from, FILTER_HANDLE, INGRESS_HANDLE, info)
                .attribute(TCA_KIND, "u32")
                .nested(
                        TCA_OPTIONS,
                        options ->
                                options.attribute(TCA_U32_SEL, matchAll())
                                        .nested(
                                                TCA_U32_ACT,
                                                actions ->
                                                        actions.nested(
                                                                1,
                                                                first ->
                                                                        first.attribute(
                                                                                        TCA_ACT_KIND,
                                                                                        "mirred")
                                                                                .nested(
                                                                                        TCA_ACT_OPTIONS,
                                                                                        mirred ->
                                                                                                mirred
                                                                                                        .attribute(
                                                                                                                TCA_MIRRED_PARMS,
                                                                                                                mirred(
                                                                                                                        to))))));
    }

    /** struct tc_u32_sel with one struct tc_u32_key whose mask and value are zero. */
    private static byte[] matchAll() {
        return ByteBuffer.allocate(SELECTOR_SIZE + KEY_SIZE)
                .put(0, TC_U32_TERMINAL)
                .put(2, (byte) 1)
                .array();
    }

    private static byte[] mirred(int to) {
        return ByteBuffer.allocate(MIRRED_SIZE)
                .order(ByteOrder.nativeOrder())
                .putInt(0)
                .putInt(0)
                .putInt(TC_ACT_STOLEN)
                .putInt(0)
                .putInt(0)
                .putInt(TCA_EGRESS_REDIR)
                .putInt(to)
                .array();
    }

    private static short networkOrder(short value) {
        return ByteOrder.nativeOrder() == ByteOrder.BIG_ENDIAN ? value : Short.reverseBytes(value);
    }

    /** A link out of what {@link #list()} is answered with: struct ifinfomsg, then attributes. */
    static Link link(ByteBuffer message) {
        int index = message.getInt(4);
        int flags = message.getInt(8);
        Attributes attributes = Attributes.of(message.position(LINK_FIXED_SIZE));
        return new Link(
                attributes.text(IFLA_IFNAME),
                index,
                attributes.nested(IFLA_LINKINFO).map(info -> info.text(IFLA_INFO_KIND)).orElse(""),
                attributes.bytes(IFLA_ADDRESS).flatMap(LinkMessages::mac),
                attributes.number(IFLA_MTU),
                (flags & IFF_UP) != 0);
    }

    /** A group address or one of another size, as loopback and tunnels have, is none. */
    private static Optional<MacAddress> mac(byte[] bytes) {
        return bytes.length == MAC_SIZE && (bytes[0] & 1) == 0
                ? Optional.of(new MacAddress(HexFormat.ofDelimiter(":").formatHex(bytes)))
                : Optional.empty();
    }
}
