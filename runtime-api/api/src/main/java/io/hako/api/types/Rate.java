// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

/**
 * How much may pass in one second.
 *
 * @param bits bits in a second, 8 or more
 */
public record Rate(long bits) {
    public Rate {
        if (bits < 8) {
            throw DriverException.invalid(
                    "A rate must be 8 bits a second or more, but is %d.".formatted(bits));
        }
    }

    @Override
    public String toString() {
        return bits + " bit/s";
    }
}
