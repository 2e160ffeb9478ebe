// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import com.sun.jna.LastErrorException;
import io.hako.api.host.Link;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.linux.Libc;
import io.hako.host.linux.NativeThreads;
import io.hako.host.linux.NetlinkMessage;
import io.hako.host.linux.NetlinkSocket;
import io.hako.host.linux.Network;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Speaks to the kernel inside one network namespace: each time over a socket of its own, so that
 * nothing stays open.
 */
record NetlinkAccess(NetworkNamespace namespace, Supplier<Network> network, NativeThreads threads) {
    /**
     * @param what for the sentence of a failure: "hakod could not ..."
     */
    <T> T inside(String what, Call call, Function<NetlinkSocket, T> task) {
        return inside(what, call, NetlinkSocket::open, task);
    }

    /**
     * The same, to speak to the packet filter.
     *
     * @throws DriverException UNSUPPORTED on a kernel that has none
     */
    <T> T inFilter(String what, Call call, Function<NetlinkSocket, T> task) {
        return inside(what, call, libc -> filterSocket(what, libc), task);
    }

    private static NetlinkSocket filterSocket(String what, Libc libc) {
        try {
            return NetlinkSocket.openFilter(libc);
        } catch (LastErrorException e) {
            throw DriverException.unsupported(
                    "hakod could not %s: this kernel has no netfilter over netlink (error %d; CONFIG_NF_TABLES)."
                            .formatted(what, e.getErrorCode()));
        }
    }

    private <T> T inside(
            String what,
            Call call,
            Function<Libc, NetlinkSocket> opening,
            Function<NetlinkSocket, T> task) {
        call.checkCancelled();
        return threads.run(
                what,
                () ->
                        network.get()
                                .namespaces()
                                .in(
                                        namespace,
                                        () -> {
                                            try (NetlinkSocket socket =
                                                    opening.apply(network.get().libc())) {
                                                return task.apply(socket);
                                            }
                                        }));
    }

    Link existing(NetlinkSocket socket, String name) {
        return find(socket, name)
                .orElseThrow(
                        () ->
                                new DriverException(
                                        FailureKind.NOT_FOUND,
                                        "There is no interface %s in %s."
                                                .formatted(name, namespace)));
    }

    static Optional<Link> find(NetlinkSocket socket, String name) {
        return links(socket).stream().filter(link -> link.name().equals(name)).findFirst();
    }

    static List<Link> links(NetlinkSocket socket) {
        return socket.dump(LinkMessages.list()).stream().map(LinkMessages::link).toList();
    }

    /**
     * @param fine errors that mean that there is nothing to do
     */
    static void change(NetlinkSocket socket, NetlinkMessage message, Set<Integer> fine) {
        try {
            socket.change(message);
        } catch (LastErrorException e) {
            if (!fine.contains(e.getErrorCode())) {
                throw e;
            }
        }
    }
}
