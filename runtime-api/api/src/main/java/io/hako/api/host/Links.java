// SPDX-License-Identifier: Apache-2.0
package io.hako.api.host;

import io.hako.api.types.Call;
import io.hako.api.types.MacAddress;
import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The network interfaces in one namespace, by rtnetlink(7) and tc(8)'s messages. Each method
 * succeeds if what it asks for is so already, and fails with NOT_FOUND if an interface or the
 * namespace does not exist.
 */
@ProviderType
public interface Links {
    List<Link> list(Call call);

    Optional<Link> find(String name, Call call);

    /**
     * Makes a persistent tap (IFF_TAP, IFF_NO_PI, IFF_VNET_HDR), down.
     *
     * @param queues 1 to 256; with more than one, IFF_MULTI_QUEUE
     * @throws io.hako.api.types.DriverException ALREADY_EXISTS if the name is another kind of
     *     interface
     */
    void createTap(String name, int queues, Call call);

    /** Takes the interface away, and all that hangs on it. Succeeds if there is none. */
    void delete(String name, Call call);

    void setUp(String name, boolean up, Call call);

    void setMtu(String name, int mtu, Call call);

    void setMac(String name, MacAddress mac, Call call);

    /**
     * Sends every frame that arrives at one interface out of another, and back: an ingress qdisc
     * and one match-all filter with a mirred redirect on each.
     */
    void redirect(String one, String other, Call call);

    /** Undoes {@link #redirect} on one side; succeeds if there is none. */
    void stopRedirect(String name, Call call);
}
