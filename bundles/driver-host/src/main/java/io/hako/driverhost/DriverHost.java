// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost;

import io.hako.api.driver.Settings;
import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.network.NetworkProfile;
import io.hako.api.storage.StorageProfile;
import io.hako.api.types.Call;
import io.hako.api.types.DriverId;
import io.hako.settings.DriverSettings;
import io.hako.settings.PodSettings;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The drivers of this node, and the handles made by them. A service; thread-safe.
 *
 * <p>A driver may be stopped, updated or replaced at any moment. Who calls it waits then, for a
 * limited time, for the driver or its successor, and fails with UNAVAILABLE and the reason if none
 * comes.
 */
@ProviderType
public interface DriverHost {
    /**
     * What holds for a driver's handles of one pod: every key, so that they stay what they are when
     * a later driver has other defaults.
     */
    DriverSettings settings(DriverId driver, PodSettings pod, Call call);

    /** What a hypervisor can do under these settings. */
    HypervisorProfile hypervisor(DriverId driver, Settings settings, Call call);

    /** What a network model can do under these settings. */
    NetworkProfile network(DriverId driver, Settings settings, Call call);

    /** What a storage driver can do under these settings. */
    StorageProfile storage(DriverId driver, Settings settings, Call call);

    /** The handles of one sandbox. The same object for the same sandbox, until it is closed. */
    SandboxDrivers sandbox(SandboxSite site);
}
