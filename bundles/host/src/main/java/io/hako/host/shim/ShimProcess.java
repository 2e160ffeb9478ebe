// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import io.hako.api.types.ExitStatus;
import java.time.Instant;
import java.util.Optional;

/**
 * A process that the shim started.
 *
 * @param startTime field 22 of /proc/PID/stat (proc(5)), clock ticks since boot: with the pid, an
 *     identity
 * @param end how it ended; absent while it lives
 */
public record ShimProcess(String role, int pid, long startTime, Optional<End> end) {
    /** How and when a process ended, as the shim reaped it. */
    public record End(ExitStatus status, Instant at) {}
}
