// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.host.NetworkState.Prefix;

/**
 * The two ends of the link between this host and a pod: neighbours in a network of two (RFC 3021),
 * so that each end finds the other with no bridge, no further route and no address in common with
 * another pod.
 */
record LinkAddresses(Prefix host, Prefix pod) {
    static final int PREFIX_LENGTH = 31;

    /** As it stands in a journal. */
    static LinkAddresses parse(String text) {
        int blank = text.indexOf(' ');
        return new LinkAddresses(
                Prefix.of(text.substring(0, blank)), Prefix.of(text.substring(blank + 1)));
    }

    @Override
    public String toString() {
        return host + " " + pod;
    }
}
