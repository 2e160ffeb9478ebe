// SPDX-License-Identifier: Apache-2.0
package io.hako.api.storage;

import io.hako.api.types.Names;

/**
 * The id of a volume, unique within its sandbox. Short, so that a driver can build tags and roles
 * from it.
 *
 * @param value at most 24 characters: letters, digits, '_', '.' and '-', the first a letter or
 *     digit
 */
public record VolumeId(String value) {
    public VolumeId {
        Names.name("The id of a volume", value, 24);
    }

    @Override
    public String toString() {
        return value;
    }
}
