// SPDX-License-Identifier: Apache-2.0
package io.hako.host.linux;

import com.sun.jna.LastErrorException;
import com.sun.jna.Memory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A netlink(7) socket, mostly for rtnetlink(7), in the network namespace that its thread was in as
 * it was opened. For one platform thread.
 */
public final class NetlinkSocket implements AutoCloseable {
    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW = 3;
    private static final int NETLINK_ROUTE = 0;
    private static final int NETLINK_NETFILTER = 12;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int SO_RCVTIMEO = 20;
    private static final int LIMIT_SECONDS = 5;
    private static final int TIMEVAL_SIZE = 16;
    // A kernel's dump comes in pieces of at most 32 KiB (net/netlink/af_netlink.c, netlink_dump).
    private static final int BUFFER_SIZE = 32 << 10;

    // struct sockaddr_nl, and in its groups RTMGRP_LINK, _NEIGH, _IPV4_IFADDR, _IPV4_ROUTE,
    // _IPV6_IFADDR and _IPV6_ROUTE (linux/netlink.h, rtnetlink.h).
    private static final int ADDRESS_SIZE = 12;
    private static final int GROUPS_OFFSET = 8;
    private static final int CHANGES = 0x1 | 0x4 | 0x10 | 0x40 | 0x100 | 0x400;

    private static final int SEQUENCE_OFFSET = 8;
    private static final int NLMSG_ERROR = 2;
    private static final int NLMSG_DONE = 3;

    private final Libc libc;
    private final int socket;
    private final Memory buffer = new Memory(BUFFER_SIZE);
    private int sequence;

    private NetlinkSocket(Libc libc, int socket) {
        this.libc = libc;
        this.socket = socket;
    }

    public static NetlinkSocket open(Libc libc) {
        return open(libc, NETLINK_ROUTE);
    }

    /** For the packet filter. */
    public static NetlinkSocket openFilter(Libc libc) {
        return open(libc, NETLINK_NETFILTER);
    }

    private static NetlinkSocket open(Libc libc, int family) {
        int socket = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);
        try (Memory limit = new Memory(TIMEVAL_SIZE)) {
            limit.setLong(0, LIMIT_SECONDS);
            limit.setLong(Long.BYTES, 0);
            libc.setsockopt(socket, Libc.SOL_SOCKET, SO_RCVTIMEO, limit, TIMEVAL_SIZE);
            return new NetlinkSocket(libc, socket);
        } catch (LastErrorException e) {
            libc.close(socket);
            throw e;
        }
    }

    /**
     * A descriptor of a socket that hears of every change of links, addresses, routes and
     * neighbours in its namespace; to be closed.
     */
    public static int changes(Libc libc) {
        int socket = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
        try (Memory address = new Memory(ADDRESS_SIZE)) {
            address.clear();
            address.setShort(0, (short) AF_NETLINK);
            address.setInt(GROUPS_OFFSET, CHANGES);
            libc.bind(socket, address, ADDRESS_SIZE);
            return socket;
        } catch (LastErrorException e) {
            libc.close(socket);
            throw e;
        }
    }

    /**
     * Has something done; the message has {@link NetlinkMessage#ACK}.
     *
     * @throws LastErrorException with the kernel's errno
     */
    public void change(NetlinkMessage message) {
        exchange(message);
    }

    /**
     * The payloads of all messages that answer a dump, each after its netlink header, in host byte
     * order.
     */
    public List<ByteBuffer> dump(NetlinkMessage message) {
        return exchange(message);
    }

    /**
     * Has several things done that take effect together; those with {@link NetlinkMessage#ACK} are
     * waited for.
     *
     * @throws LastErrorException with the errno of the first that the kernel refuses
     */
    public void transact(List<NetlinkMessage> batch) {
        ByteBuffer all = ByteBuffer.allocate(BUFFER_SIZE);
        Set<Integer> awaited = new HashSet<>();
        for (NetlinkMessage message : batch) {
            sequence++;
            all.put(message.encoded(sequence));
            if (message.isAcknowledged()) {
                awaited.add(sequence);
            }
        }
        buffer.write(0, all.array(), 0, all.position());
        libc.send(socket, buffer, all.position(), 0);
        while (!awaited.isEmpty()) {
            int length = libc.recv(socket, buffer, BUFFER_SIZE, 0).intValue();
            acknowledged(buffer.getByteBuffer(0, length).order(ByteOrder.nativeOrder()), awaited);
        }
    }

    /** An error is told whatever message it is about; then nothing has taken effect. */
    private static void acknowledged(ByteBuffer received, Set<Integer> awaited) {
        while (received.remaining() >= NetlinkMessage.HEADER_SIZE) {
            int start = received.position();
            int length = received.getInt(start);
            if (received.getShort(start + Integer.BYTES) == NLMSG_ERROR) {
                failIfError(received.getInt(start + NetlinkMessage.HEADER_SIZE));
                awaited.remove(received.getInt(start + SEQUENCE_OFFSET));
            }
            received.position(Math.min(received.limit(), start + NetlinkMessage.aligned(length)));
        }
    }

    private List<ByteBuffer> exchange(NetlinkMessage message) {
        sequence++;
        byte[] request = message.encoded(sequence);
        buffer.write(0, request, 0, request.length);
        libc.send(socket, buffer, request.length, 0);
        List<ByteBuffer> answers = new ArrayList<>();
        boolean more = true;
        while (more) {
            int length = libc.recv(socket, buffer, BUFFER_SIZE, 0).intValue();
            more =
                    collect(
                            ByteBuffer.wrap(buffer.getByteArray(0, length))
                                    .order(ByteOrder.nativeOrder()),
                            answers);
        }
        return answers;
    }

    /** Whether more is to come. */
    private boolean collect(ByteBuffer received, List<ByteBuffer> answers) {
        while (received.remaining() >= NetlinkMessage.HEADER_SIZE) {
            int start = received.position();
            int length = received.getInt();
            int type = received.getShort();
            received.getShort();
            boolean mine = received.getInt() == sequence;
            received.getInt();
            ByteBuffer payload =
                    received.slice(received.position(), length - NetlinkMessage.HEADER_SIZE)
                            .order(ByteOrder.nativeOrder());
            received.position(Math.min(received.limit(), start + NetlinkMessage.aligned(length)));
            if (mine && (type == NLMSG_ERROR || type == NLMSG_DONE)) {
                failIfError(type == NLMSG_ERROR ? payload.getInt() : 0);
                return false;
            }
            if (mine) {
                answers.add(payload);
            }
        }
        return true;
    }

    /** struct nlmsgerr begins with the negative errno, 0 for an acknowledgement. */
    private static void failIfError(int error) {
        if (error != 0) {
            throw new LastErrorException(-error);
        }
    }

    @Override
    public void close() {
        buffer.close();
        libc.close(socket);
    }
}
