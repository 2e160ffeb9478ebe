// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import io.hako.host.shim.Shim;

/** What links need of the daemon around them. */
interface LinkHost {
    /** Of this daemon; grows by one with each start. */
    long epoch();

    TaskServices tasks();

    /** A shim has said hello; called on the link's thread. */
    void linked(Shim shim, ShimLink link);

    /** The link is gone; called on the link's thread. */
    void lost(Shim shim, ShimLink link);
}
