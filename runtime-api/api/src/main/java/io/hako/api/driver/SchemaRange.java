// SPDX-License-Identifier: Apache-2.0
package io.hako.api.driver;

import io.hako.api.types.DriverException;

/**
 * Which versions of its own state a driver deals with. It reads the version before its own, so that
 * a handle can go from version N-1 of a driver to N, and back.
 *
 * @param oldest the oldest that it can adopt, 1 or more
 * @param written the one that it writes, not below {@code oldest}
 */
public record SchemaRange(int oldest, int written) {
    public SchemaRange {
        if (oldest < 1 || written < oldest) {
            throw DriverException.invalid(
                    "A range of state schemas begins at 1 or later and does not end before it begins, but is %d to %d."
                            .formatted(oldest, written));
        }
    }

    /** Whether state of this version can be adopted. */
    public boolean reads(int schema) {
        return schema >= oldest && schema <= written;
    }
}
