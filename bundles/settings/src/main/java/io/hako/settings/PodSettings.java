// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import java.util.List;

/**
 * The settings that hold for one pod: the node's, and on top what the pod's annotations override.
 *
 * @param origins of all of them, in the order of tables and keys
 */
public record PodSettings(GuestSettings guest, DriverChoice drivers, List<Origin> origins) {
    public PodSettings {
        origins = List.copyOf(origins);
    }
}
