// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.driverhost.DriverAdmin;
import io.hako.driverhost.DriverHost;
import io.hako.guest.Guests;
import io.hako.host.Machine;
import io.hako.host.shim.Shims;
import io.hako.observability.EventLog;
import io.hako.settings.HakoSettings;
import io.hako.state.StateStore;
import java.nio.file.Path;

/**
 * What every pod of this node is made with.
 *
 * @param pods RUN/pods
 * @param events told what happens, and nothing depends on it
 * @param retries end with the daemon
 */
record Node(
        StateStore store,
        Shims shims,
        DriverHost drivers,
        DriverAdmin admin,
        Guests guests,
        Machine machine,
        Remains remains,
        HakoSettings settings,
        Path pods,
        EventLog events,
        Retries retries) {}
