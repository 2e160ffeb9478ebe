// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.host.Link;
import io.hako.api.types.DriverException;
import io.hako.api.types.MacAddress;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;

/**
 * What a network namespace holds: addresses and routes, also those that its kernel made of an
 * address or a link, and neighbours that somebody set for good. What a router advertised is not
 * among it, since that ends by itself; nor are routes with several next hops, with a next hop of
 * the other family, or outside the main table.
 */
public record NetworkState(
        List<Link> links, List<Address> addresses, List<Route> routes, List<Neighbour> neighbours) {
    public NetworkState {
        links = List.copyOf(links);
        addresses = List.copyOf(addresses);
        routes = List.copyOf(routes);
        neighbours = List.copyOf(neighbours);
    }

    /** An address with the length of its network's prefix, such as 10.0.0.2/24. */
    public record Prefix(InetAddress address, int length) {
        public Prefix {
            int longest = address.getAddress().length * Byte.SIZE;
            if (length < 0 || length > longest) {
                throw DriverException.invalid(
                        "The prefix of %s has 0 to %d bits, but %d were given."
                                .formatted(address.getHostAddress(), longest, length));
            }
        }

        /**
         * @param text an address as ip(8) writes it, with or without a slash and a prefix length
         */
        public static Prefix of(String text) {
            int slash = text.indexOf('/');
            try {
                InetAddress address =
                        InetAddress.ofLiteral(slash < 0 ? text : text.substring(0, slash));
                int length =
                        slash < 0
                                ? address.getAddress().length * Byte.SIZE
                                : Integer.parseInt(text.substring(slash + 1));
                return new Prefix(address, length);
            } catch (IllegalArgumentException e) {
                throw DriverException.invalid(
                        "An address with a prefix is written like 10.0.0.2/24 or fd00::2/64, but is \"%s\"."
                                .formatted(text));
            }
        }

        @Override
        public String toString() {
            return address.getHostAddress() + "/" + length;
        }
    }

    /**
     * @param link name of the interface that has it
     */
    public record Address(String link, Prefix prefix) {}

    /**
     * @param destination absent for the default route
     * @param gateway absent for a destination on the link
     * @param source preferred, for packets that leave by this route
     * @param scope rtm_scope: 0 anywhere, 253 on the link
     * @param mtu bytes; 0 for none of its own
     * @param metric the lower the better; 0 for none
     * @param onlink whether the gateway is on the link whatever other routes say (RTNH_F_ONLINK)
     */
    public record Route(
            Optional<Prefix> destination,
            Optional<InetAddress> gateway,
            Optional<InetAddress> source,
            String link,
            int scope,
            int mtu,
            int metric,
            boolean ipv6,
            boolean onlink) {
        /** A route to everywhere. */
        public static Route byDefault(InetAddress gateway, String link) {
            boolean ipv6 = gateway.getAddress().length > Integer.BYTES;
            return new Route(
                    Optional.empty(),
                    Optional.of(gateway),
                    Optional.empty(),
                    link,
                    0,
                    0,
                    0,
                    ipv6,
                    false);
        }
    }

    public record Neighbour(InetAddress address, MacAddress mac, String link) {}
}
