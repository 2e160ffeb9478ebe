// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;

import io.hako.api.driver.Driver;
import io.hako.api.driver.Handle;
import java.util.List;
import org.junit.Test;

/**
 * Theme: the driver meets an API that is later than the one that it was built for, and that has
 * more constants and variants. It answers UNSUPPORTED to what it does not know.
 */
public abstract class HandleEvolution<D extends Driver<?>, H extends Handle>
        extends HandleLeaks<D, H> {
    /** In a later world: gives the driver each thing that it cannot know. */
    abstract void assertLaterIsUnsupported();

    @Test
    public void whatALaterApiAddsIsUnsupported() throws Exception {
        if (LaterWorld.isHere()) {
            assertLaterIsUnsupported();
            assertNothingLeft();
        } else {
            LaterWorld.run(getClass(), "whatALaterApiAddsIsUnsupported");
        }
    }

    /**
     * Also of those that no test here gets to, such as one over the ways in which a process ends.
     */
    @Test
    public void everySwitchOverTheApiHasADefault() throws Exception {
        // The testbed stands for the daemon, which is built with the API.
        String testbed = context().getClass().getPackageName();
        assertEquals(
                "switches over a type of the API that end with a MatchException",
                List.of(),
                ApiSwitches.withoutDefault(newDriver().getClass(), testbed));
    }
}
