// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

/**
 * The sandbox on whose account something is done. Unique on the node.
 *
 * @param value at most 160 characters: letters, digits, '_', '.' and '-', the first a letter or
 *     digit
 */
public record OwnerId(String value) {
    public OwnerId {
        Names.name("The id of a sandbox", value, 160);
    }

    @Override
    public String toString() {
        return value;
    }
}
