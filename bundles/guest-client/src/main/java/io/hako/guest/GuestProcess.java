// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import java.util.Optional;

/**
 * A process as its agent lists it.
 *
 * @param pid in the guest
 * @param exit how it ended; absent while it has not
 */
public record GuestProcess(
        GuestProcessId id, int pid, State state, Optional<GuestExit> exit, GuestStdio stdio) {
    public enum State {
        CREATED,
        RUNNING,
        PAUSED,
        STOPPED
    }
}
