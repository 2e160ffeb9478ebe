// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Settings;
import io.hako.api.types.Call;
import io.hako.api.types.OwnerId;
import java.util.List;

/** Where a kit runs: a machine that outlives drivers, and can be looked at from outside. */
public interface Testbed extends AutoCloseable {
    /**
     * What the daemon would give a driver for one handle; the same owner and slot give the same
     * workspace.
     */
    DriverContext context(OwnerId owner, String slot, Settings settings);

    /**
     * Likewise, but one of the effects that are made through it fails, once, with UNAVAILABLE and
     * is not made.
     *
     * @param effect its number, the first is 0; beyond the last one, nothing fails
     */
    DriverContext failing(OwnerId owner, String slot, Settings settings, int effect);

    /** A call that may take as long as any step of a test may. */
    Call call();

    /** A call that was given up before it began. */
    Call cancelledCall();

    /**
     * What the sandbox's drivers made on the machine and have not taken away: processes, mounts,
     * links. One line each.
     */
    List<String> effects(OwnerId owner);

    /**
     * Takes away whatever the sandbox has, without a driver, as the daemon does from its journal.
     */
    void undo(OwnerId owner);

    /** Leaves the machine as it was before the kit came. */
    @Override
    void close();
}
