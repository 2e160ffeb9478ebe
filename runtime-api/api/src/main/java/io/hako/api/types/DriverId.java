// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import java.util.Arrays;

/**
 * A driver, whatever version of it.
 *
 * @param kind what it drives
 * @param name at most 31 characters, such as {@code qemu} or {@code virtio-fs}
 */
public record DriverId(DriverKind kind, String name) {
    public DriverId {
        Names.name("The name of a driver", name, 31);
    }

    /**
     * Reads {@code hypervisor/qemu}.
     *
     * @throws DriverException INVALID_REQUEST if it is not a known kind, a slash and a name
     */
    public static DriverId parse(String text) {
        int slash = text.indexOf('/');
        String word = slash < 0 ? text : text.substring(0, slash);
        return Arrays.stream(DriverKind.values())
                .filter(kind -> slash >= 0 && kind.word().equals(word))
                .findFirst()
                .map(kind -> new DriverId(kind, text.substring(slash + 1)))
                .orElseThrow(
                        () ->
                                DriverException.invalid(
                                        "A driver is named hypervisor/NAME, network/NAME or storage/NAME, but \"%s\" was given."
                                                .formatted(text)));
    }

    @Override
    public String toString() {
        return kind.word() + "/" + name;
    }
}
