// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

/**
 * A device of one virtual machine, unique within it for the life of the machine. Drivers use it as
 * the monitor's name of the device, so that a device that is there already is found again.
 *
 * @param value at most 31 characters: letters, digits, '_', '.' and '-', the first a letter or
 *     digit
 */
public record DeviceId(String value) {
    public DeviceId {
        Names.name("The id of a device", value, 31);
    }

    @Override
    public String toString() {
        return value;
    }
}
