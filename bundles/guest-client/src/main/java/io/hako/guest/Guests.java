// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import io.hako.api.types.Call;
import io.hako.api.types.OwnerId;
import java.nio.file.Path;
import org.osgi.annotation.versioning.ProviderType;

/** Makes connections to agents. Thread-safe. */
@ProviderType
public interface Guests {
    /**
     * Connects to a sandbox's agent and greets it; waits until the agent is up.
     *
     * @param socket where the guest's port 1024 is reached by "CONNECT 1024\n"; at most 107 bytes
     * @param listener told of the guest's events, and of the connection's end; reconnecting is its
     *     business
     * @throws io.hako.api.types.DriverException NOT_FOUND if there is no such socket, UNAVAILABLE
     *     if nothing serves it, DEADLINE_EXCEEDED if the agent is not up in time, UNSUPPORTED if it
     *     speaks no version that the daemon speaks
     */
    Guest connect(OwnerId sandbox, Path socket, GuestListener listener, Call call);
}
