// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import java.util.List;

/**
 * Table {@code [drivers]}: names of drivers in the operator's order of preference; the first that
 * can do what a pod needs is taken. An empty list: those that are there, in the order of their
 * names.
 */
public record DriverChoice(List<String> hypervisor, List<String> network, List<String> storage) {
    public DriverChoice() {
        this(List.of(), List.of(), List.of());
    }

    public DriverChoice {
        hypervisor = List.copyOf(hypervisor);
        network = List.copyOf(network);
        storage = List.copyOf(storage);
    }
}
