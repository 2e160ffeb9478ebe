// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

import io.hako.api.types.OwnerId;

/**
 * What makes a request the same request when the shim sends it again.
 *
 * @param instance the shim's random word, new for each shim process
 * @param connection number of containerd's connection to the shim, from 1
 * @param stream ttrpc stream on that connection
 */
public record RequestKey(OwnerId sandbox, String instance, int connection, int stream) {
    /** The key within its sandbox's journal, and the agent's exactly-once key. */
    public String text() {
        return instance
                + ":"
                + Integer.toUnsignedString(connection)
                + ":"
                + Integer.toUnsignedString(stream);
    }
}
