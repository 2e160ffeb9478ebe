// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

/**
 * Table {@code [veth]}: the networks that hako itself makes for pods.
 *
 * @param range that the addresses of the links between this host and its pods come from, two for
 *     each pod; parts of it that this host has an address in or a route to are left out
 */
public record VethSettings(Ipv4Range range) {
    public VethSettings() {
        this(Ipv4Range.parse("10.213.0.0/16"));
    }
}
