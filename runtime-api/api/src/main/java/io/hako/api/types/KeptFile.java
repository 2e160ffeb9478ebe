// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

/**
 * An open file that the shim keeps for a sandbox, by the name under which it was passed to a
 * process ({@link PassedFile}). It outlives the daemon and the driver.
 *
 * @param value at most 63 characters: letters, digits, '_', '.' and '-', the first a letter or
 *     digit
 */
public record KeptFile(String value) {
    public KeptFile {
        Names.name("The name of a kept file", value, 63);
    }

    @Override
    public String toString() {
        return value;
    }
}
