// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost;

import io.hako.api.types.DriverId;
import io.hako.api.types.OwnerId;
import java.util.List;

/**
 * A driver, as an operator sees it.
 *
 * @param driver its id
 * @param bundle symbolic name of its bundle
 * @param version of the bundle
 * @param bundleId in the framework
 * @param state INSTALLED, RESOLVED, STARTING, ACTIVE, as the framework says
 * @param serving whether new handles go to it
 * @param leases how many handles it has now
 * @param owners the sandboxes that they belong to, each once
 */
public record DriverView(
        DriverId driver,
        String bundle,
        String version,
        long bundleId,
        String state,
        boolean serving,
        int leases,
        List<OwnerId> owners) {}
