// SPDX-License-Identifier: Apache-2.0
package io.hako.api.network;

/** The kinds of {@link NetworkSource}. */
public enum LinkKind {
    /** One end of a veth pair. */
    VETH,
    MACVLAN,
    IPVLAN,
    /** A physical or virtual function moved into the pod's namespace. */
    PHYSICAL,
    /** {@link NetworkSource.DirectTap} */
    DIRECT_TAP,
    /** {@link NetworkSource.DirectVhostUser} */
    DIRECT_VHOST_USER
}
