// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost;

import io.hako.api.driver.Finding;
import io.hako.api.driver.Settings;
import io.hako.api.types.Call;
import io.hako.api.types.DriverId;
import java.nio.file.Path;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/** What an operator can do with drivers. A service; thread-safe. */
@ProviderType
public interface DriverAdmin {
    /**
     * Each driver of each installed bundle that announces one, also of those that do not work; by
     * id, then version.
     */
    List<DriverView> list();

    /**
     * Why a driver is not there: for each bundle that announces it, what is missing; or that no
     * bundle does. Sentences, best read in this order; one that says all is well if it is.
     */
    List<String> why(DriverId driver);

    /** What the driver finds on this host. */
    List<Finding> probe(DriverId driver, Settings settings, Call call);

    /**
     * Puts another bundle in the place of a driver's, without a pause of what it serves: the new
     * one is resolved dry, installed beside the old, started and probed; from then on it gets the
     * new handles; then the old one's handles are moved one at a time; then the old one is
     * uninstalled. A failure before the first handle moved leaves everything as it was. Swaps take
     * turns.
     *
     * @param jar of the new bundle, which must announce this driver
     * @throws io.hako.api.types.DriverException FAILED_PRECONDITION if the new bundle does not
     *     resolve, start or pass its probe, with the reason; NOT_FOUND if there is no such jar;
     *     INVALID_REQUEST if it is no bundle of this driver
     */
    SwapReport swap(DriverId driver, Path jar, Settings settings, Call call);
}
