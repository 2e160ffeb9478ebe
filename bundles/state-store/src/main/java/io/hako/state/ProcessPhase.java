// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

/** What a process is up to, as journalled. */
public enum ProcessPhase {
    /** Announced; the guest may or may not know it yet. */
    PREPARED,
    CREATED,
    RUNNING,
    PAUSED,
    STOPPED
}
