// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import io.hako.api.types.DriverException;
import io.hako.api.types.Names;
import java.time.Instant;
import java.util.regex.Pattern;

/**
 * What makes a guest itself.
 *
 * @param entropy 32 to 512 bytes from the host's random generator
 * @param now of the host's clock
 * @param machineId 32 lower-case hexadecimal digits (machine-id(5))
 * @param hostname of the guest, at most 64 characters
 */
public record GuestIdentity(byte[] entropy, Instant now, String machineId, String hostname) {
    private static final Pattern MACHINE_ID = Pattern.compile("[0-9a-f]{32}");
    private static final int LEAST_ENTROPY = 32;
    private static final int MOST_ENTROPY = 512;
    private static final int LONGEST_HOSTNAME = 64;

    public GuestIdentity {
        Names.within(
                "The number of bytes of entropy for a guest",
                entropy.length,
                LEAST_ENTROPY,
                MOST_ENTROPY);
        Names.text("The host name of a guest", hostname, LONGEST_HOSTNAME);
        if (!MACHINE_ID.matcher(machineId).matches()) {
            throw DriverException.invalid(
                    "A machine id has 32 lower-case hexadecimal digits, but is \"%s\"."
                            .formatted(machineId));
        }
        entropy = entropy.clone();
    }

    @Override
    public byte[] entropy() {
        return entropy.clone();
    }
}
