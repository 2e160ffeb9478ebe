// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import io.hako.api.types.Call;
import io.hako.api.types.OwnerId;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** The shims that are linked with this daemon at the moment. Thread-safe. */
@ProviderType
public interface Shims {
    Optional<Shim> find(OwnerId sandbox);

    /**
     * Waits for a sandbox's shim to connect.
     *
     * @throws io.hako.api.types.DriverException UNAVAILABLE if it has not within the call's time;
     *     CANCELLED
     */
    Shim await(OwnerId sandbox, Call call);

    /**
     * Tells of every shim that is there, and then of those that come and go, in order, one at a
     * time, on the thread of whoever causes it: the listener must return soon, and starts a thread
     * for work.
     */
    Subscription listen(Listener listener);

    /** A shim has said hello. One of the same sandbox that was there before is lost first. */
    void add(Shim shim);

    /** A shim's link is gone. Nothing happens if another one has taken its place. */
    void remove(Shim shim);

    interface Listener {
        void appeared(Shim shim);

        void lost(Shim shim);
    }
}
