// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost;

import io.hako.api.types.DriverId;
import java.time.Duration;
import java.util.List;

/**
 * How a swap went.
 *
 * @param driver what was swapped
 * @param from version of the old bundle
 * @param to version of the new one
 * @param moved handles that the new bundle has taken up
 * @param pinned handles that the new bundle refused, and the old one has again; it stays for them
 * @param failed handles that neither could take up; the next call on them tries again
 * @param reasons for each handle that is pinned or failed, one sentence
 * @param collected whether the old bundle's class loader is proven to be gone; false while handles
 *     are pinned
 * @param took from the call to its end
 */
public record SwapReport(
        DriverId driver,
        String from,
        String to,
        int moved,
        int pinned,
        int failed,
        List<String> reasons,
        boolean collected,
        Duration took) {
    public SwapReport {
        reasons = List.copyOf(reasons);
    }
}
