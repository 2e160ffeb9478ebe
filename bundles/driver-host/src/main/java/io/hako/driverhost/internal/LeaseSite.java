// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.HandleState;
import io.hako.api.types.Call;
import io.hako.api.types.DriverId;
import io.hako.api.types.OwnerId;

/** What a lease needs of the sandbox that it is in. */
interface LeaseSite {
    OwnerId owner();

    DriverContext context(String slot, DriverId driver);

    /** Journals a handle's new state. */
    void record(String slot, HandleState state);

    /** Undoes what is left of a destroyed handle, and journals that it is gone. */
    void gone(HandleLease<?> lease, Call call);

    /** The drivers that may take a handle up. */
    Roster roster();
}
