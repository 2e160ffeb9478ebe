// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import java.util.Locale;

/** The kinds of driver. */
public enum DriverKind {
    HYPERVISOR,
    NETWORK,
    STORAGE;

    /**
     * As it is written in settings, commands and a bundle's {@code hako.driver} capability: {@code
     * hypervisor}.
     */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
