// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.NodeStore;
import io.hako.api.types.DriverId;
import io.hako.host.Machine;
import io.hako.host.shim.Shims;
import io.hako.observability.EventLog;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What all sandboxes share.
 *
 * @param stores one of each driver, since its locks are in it
 */
record Parts(
        Roster roster,
        Machine machine,
        Shims shims,
        EventLog events,
        Path state,
        Map<DriverId, NodeStore> stores) {
    Parts(Roster roster, Machine machine, Shims shims, EventLog events, Path state) {
        this(roster, machine, shims, events, state, new ConcurrentHashMap<>());
    }

    NodeStore store(DriverId driver) {
        return stores.computeIfAbsent(driver, id -> new DiskNodeStore(state, id));
    }
}
