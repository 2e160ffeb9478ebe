// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.DriverException;
import io.hako.api.types.MemorySize;
import java.time.Duration;

/**
 * Table {@code [logs]}.
 *
 * @param bound size at which a container's log file is begun anew; one earlier file is kept
 * @param drainLimit how long an ended process's output may make no progress before its exit is
 *     reported all the same
 */
public record LogSettings(MemorySize bound, Duration drainLimit) {
    private static final MemorySize LEAST = MemorySize.ofKibibytes(64);

    public LogSettings() {
        this(MemorySize.ofMebibytes(16), Duration.ofSeconds(2));
    }

    public LogSettings {
        if (bound.compareTo(LEAST) < 0) {
            throw DriverException.invalid(
                    "bound is at least %s, but is %s.".formatted(LEAST, bound));
        }
        if (drainLimit.toMillis() < 1 || drainLimit.toMillis() > 600_000) {
            throw DriverException.invalid(
                    "drain_limit is 1ms to 10m, but is %dms.".formatted(drainLimit.toMillis()));
        }
    }
}
