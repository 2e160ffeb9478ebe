// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.types.Call;
import io.hako.api.types.NetworkNamespace;
import java.nio.file.Path;
import java.util.OptionalInt;
import org.osgi.annotation.versioning.ProviderType;

/**
 * What a network namespace holds besides its links' own settings ({@link io.hako.api.host.Links}),
 * by rtnetlink(7). Each method succeeds if what it asks for is so already, and fails with NOT_FOUND
 * if the namespace or an interface does not exist.
 */
@ProviderType
public interface NetworkEditor {
    /** The namespace that the daemon runs in. */
    NetworkNamespace HOST = new NetworkNamespace(Path.of("/proc/self/ns/net"));

    /**
     * Makes a pair of interfaces that pass each other's frames on, both down: one here, its peer in
     * another namespace.
     *
     * @param name at most 15 characters
     * @throws io.hako.api.types.DriverException ALREADY_EXISTS if one of the names is taken by
     *     something else
     */
    void createVeth(String name, String peer, NetworkNamespace peerNetwork, Call call);

    /** Gives an interface an address. It is usable at once: no duplicate is looked for. */
    void addAddress(NetworkState.Address address, Call call);

    /** Adds a unicast route to the main table. */
    void addRoute(NetworkState.Route route, Call call);

    /**
     * Sends every TCP connection that a process in the namespace opens to 127.0.0.1 or ::1 to a
     * port there, which learns by SO_ORIGINAL_DST what was meant. What was set before is replaced.
     *
     * @param portOfIpv6 absent: connections to ::1 are left alone
     * @throws io.hako.api.types.DriverException UNSUPPORTED if the kernel has no nf_tables with NAT
     */
    void redirectLoopback(int port, OptionalInt portOfIpv6, Call call);

    /** Undoes {@link #redirectLoopback}. */
    void stopRedirectLoopback(Call call);

    /** All at this moment. */
    NetworkState read(Call call);
}
