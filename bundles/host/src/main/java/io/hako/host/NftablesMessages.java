// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.host.linux.NetlinkMessage;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Consumer;

/**
 * Messages of nf_tables, as nft(8) sends them: one table of hako's own in a namespace, whose only
 * chain sends what is opened to the loopback to a port there. Numbers in attributes are in network
 * byte order. Numbers: linux/netfilter/nf_tables.h, nfnetlink.h, netfilter.h.
 */
final class NftablesMessages {
    private static final String TABLE = "hako";
    private static final String CHAIN = "loopback";
    private static final int SUBSYSTEM = 10 << 8;
    private static final int BATCH_BEGIN = 0x10;
    private static final int BATCH_END = 0x11;
    private static final int NEWTABLE = SUBSYSTEM;
    private static final int DELTABLE = SUBSYSTEM | 2;
    private static final int NEWCHAIN = SUBSYSTEM | 3;
    private static final int NEWRULE = SUBSYSTEM | 6;

    private static final byte NFPROTO_UNSPEC = 0;
    private static final byte NFPROTO_INET = 1;
    private static final byte NFPROTO_IPV4 = 2;
    private static final byte NFPROTO_IPV6 = 10;
    private static final int NF_INET_LOCAL_OUT = 3;
    private static final int PRIORITY_DSTNAT = -100;

    private static final int TABLE_NAME = 1;
    private static final int CHAIN_TABLE = 1;
    private static final int CHAIN_NAME = 3;
    private static final int CHAIN_HOOK = 4;
    private static final int CHAIN_TYPE = 7;
    private static final int HOOK_NUMBER = 1;
    private static final int HOOK_PRIORITY = 2;
    private static final int RULE_TABLE = 1;
    private static final int RULE_CHAIN = 2;
    private static final int RULE_EXPRESSIONS = 4;
    private static final int LIST_ELEMENT = 1;
    private static final int EXPRESSION_NAME = 1;
    private static final int EXPRESSION_DATA = 2;
    private static final int DATA_VALUE = 1;

    private static final int META_REGISTER = 1;
    private static final int META_KEY = 2;
    private static final int META_KEY_NFPROTO = 15;
    private static final int META_KEY_L4PROTO = 16;
    private static final int COMPARE_REGISTER = 1;
    private static final int COMPARE_OPERATION = 2;
    private static final int COMPARE_DATA = 3;
    private static final int EQUAL = 0;
    private static final int PAYLOAD_REGISTER = 1;
    private static final int PAYLOAD_BASE = 2;
    private static final int PAYLOAD_OFFSET = 3;
    private static final int PAYLOAD_LENGTH = 4;
    private static final int NETWORK_HEADER = 1;
    private static final int IMMEDIATE_REGISTER = 1;
    private static final int IMMEDIATE_DATA = 2;
    private static final int REDIRECT_PORT = 1;
    private static final int REGISTER = 1;
    private static final byte IPPROTO_TCP = 6;

    // Where the destination is: struct iphdr, struct ipv6hdr.
    private static final int IPV4_DESTINATION = 16;
    private static final int IPV6_DESTINATION = 24;

    private NftablesMessages() {}

    /**
     * Sends TCP connections that are opened in the namespace to 127.0.0.1 and ::1, whatever their
     * port, to these ports of the same addresses.
     */
    static List<NetlinkMessage> redirect(int port, OptionalInt portOfIpv6) {
        List<NetlinkMessage> batch = new ArrayList<>();
        batch.add(batch(BATCH_BEGIN));
        batch.add(table(NEWTABLE, NetlinkMessage.CREATE));
        batch.add(chain());
        batch.add(rule(NFPROTO_IPV4, IPV4_DESTINATION, InetAddress.ofLiteral("127.0.0.1"), port));
        portOfIpv6.ifPresent(
                own ->
                        batch.add(
                                rule(
                                        NFPROTO_IPV6,
                                        IPV6_DESTINATION,
                                        InetAddress.ofLiteral("::1"),
                                        own)));
        batch.add(batch(BATCH_END));
        return batch;
    }

    /** The kernel refuses it with ENOENT where there is no such table. */
    static List<NetlinkMessage> remove() {
        return List.of(batch(BATCH_BEGIN), table(DELTABLE, 0), batch(BATCH_END));
    }

    /** Around messages that take effect together or not at all; for nobody to acknowledge. */
    private static NetlinkMessage batch(int type) {
        return header(new NetlinkMessage(type, 0), NFPROTO_UNSPEC, SUBSYSTEM >> 8);
    }

    private static NetlinkMessage inet(int type, int flags) {
        return header(new NetlinkMessage(type, NetlinkMessage.ACK | flags), NFPROTO_INET, 0);
    }

    /** struct nfgenmsg: family, version, resource. */
    private static NetlinkMessage header(NetlinkMessage message, byte family, int resource) {
        return message.bytes(new byte[] {family, 0, 0, (byte) resource});
    }

    private static NetlinkMessage table(int type, int flags) {
        return inet(type, flags).attribute(TABLE_NAME, TABLE);
    }

    private static NetlinkMessage chain() {
        return inet(NEWCHAIN, NetlinkMessage.CREATE)
                .attribute(CHAIN_TABLE, TABLE)
                .attribute(CHAIN_NAME, CHAIN)
                .nested(
                        CHAIN_HOOK,
                        hook ->
                                hook.attribute(HOOK_NUMBER, number(NF_INET_LOCAL_OUT))
                                        .attribute(HOOK_PRIORITY, number(PRIORITY_DSTNAT)))
                .attribute(CHAIN_TYPE, "nat");
    }

    private static NetlinkMessage rule(byte family, int offset, InetAddress to, int port) {
        byte[] address = to.getAddress();
        return inet(NEWRULE, NetlinkMessage.CREATE | NetlinkMessage.APPEND)
                .attribute(RULE_TABLE, TABLE)
                .attribute(RULE_CHAIN, CHAIN)
                .nested(
                        RULE_EXPRESSIONS,
                        list -> {
                            meta(list, META_KEY_NFPROTO, family);
                            meta(list, META_KEY_L4PROTO, IPPROTO_TCP);
                            expression(list, "payload", load -> destination(load, offset, address));
                            expression(list, "cmp", compare -> equal(compare, address));
                            expression(list, "immediate", load -> immediate(load, port));
                            expression(
                                    list,
                                    "redir",
                                    redirect ->
                                            redirect.attribute(REDIRECT_PORT, number(REGISTER)));
                        });
    }

    private static void meta(NetlinkMessage list, int key, byte wanted) {
        expression(
                list,
                "meta",
                meta ->
                        meta.attribute(META_REGISTER, number(REGISTER))
                                .attribute(META_KEY, number(key)));
        expression(list, "cmp", compare -> equal(compare, new byte[] {wanted}));
    }

    private static void destination(NetlinkMessage load, int offset, byte[] address) {
        load.attribute(PAYLOAD_REGISTER, number(REGISTER))
                .attribute(PAYLOAD_BASE, number(NETWORK_HEADER))
                .attribute(PAYLOAD_OFFSET, number(offset))
                .attribute(PAYLOAD_LENGTH, number(address.length));
    }

    private static void equal(NetlinkMessage compare, byte[] value) {
        compare.attribute(COMPARE_REGISTER, number(REGISTER))
                .attribute(COMPARE_OPERATION, number(EQUAL))
                .nested(COMPARE_DATA, data -> data.attribute(DATA_VALUE, value));
    }

    private static void immediate(NetlinkMessage load, int port) {
        byte[] value = {(byte) (port >> Byte.SIZE), (byte) port};
        load.attribute(IMMEDIATE_REGISTER, number(REGISTER))
                .nested(IMMEDIATE_DATA, data -> data.attribute(DATA_VALUE, value));
    }

    private static void expression(
            NetlinkMessage list, String name, Consumer<NetlinkMessage> data) {
        list.nested(
                LIST_ELEMENT,
                element -> element.attribute(EXPRESSION_NAME, name).nested(EXPRESSION_DATA, data));
    }

    private static byte[] number(int value) {
        return ByteBuffer.allocate(Integer.BYTES).putInt(value).array();
    }
}
