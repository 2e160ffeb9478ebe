// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import io.hako.api.types.MacAddress;
import java.util.List;

/**
 * All that a guest's network shall be: its kernel adds no address and no route by itself. Addresses
 * are texts as ip(8) writes them; empty where there is none.
 */
public record GuestNetwork(
        List<Interface> interfaces,
        List<Route> routes,
        List<Neighbour> neighbours,
        Resolver resolver) {
    /** Only the loopback interface. */
    public static final GuestNetwork NONE =
            new GuestNetwork(List.of(), List.of(), List.of(), Resolver.NONE);

    public GuestNetwork {
        interfaces = List.copyOf(interfaces);
        routes = List.copyOf(routes);
        neighbours = List.copyOf(neighbours);
    }

    /**
     * @param mac by which the link is found
     * @param name that it gets
     * @param mtu bytes; 0 leaves it
     * @param addresses with prefix length: 10.0.0.2/24
     */
    public record Interface(MacAddress mac, String name, int mtu, List<String> addresses) {
        public Interface {
            addresses = List.copyOf(addresses);
        }
    }

    /**
     * @param destination with prefix length; empty for the default route
     * @param gateway empty for a destination on the link
     * @param scope rtm_scope of rtnetlink(7)
     * @param mtu bytes; 0 for none
     * @param onlink whether the gateway is on the link whatever other routes say
     */
    public record Route(
            String destination,
            String gateway,
            String source,
            String link,
            int scope,
            int mtu,
            int metric,
            boolean ipv6,
            boolean onlink) {}

    public record Neighbour(String address, MacAddress mac, String link) {}

    /** Lines of resolv.conf(5). */
    public record Resolver(List<String> nameservers, List<String> searches, List<String> options) {
        public static final Resolver NONE = new Resolver(List.of(), List.of(), List.of());

        public Resolver {
            nameservers = List.copyOf(nameservers);
            searches = List.copyOf(searches);
            options = List.copyOf(options);
        }
    }
}
