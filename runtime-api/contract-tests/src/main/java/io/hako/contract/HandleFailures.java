// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;

import io.hako.api.driver.Driver;
import io.hako.api.driver.Handle;
import io.hako.api.driver.HandleState;
import io.hako.api.types.DriverException;
import java.util.List;
import java.util.Optional;
import org.junit.Test;

/** Theme: each effect on the machine fails once, in turn. */
public abstract class HandleFailures<D extends Driver<?>, H extends Handle>
        extends HandleLifecycle<D, H> {
    /**
     * More effects than any handle needs: a driver that gets here repeats a failed effect for ever.
     */
    private static final int MOST_EFFECTS = 200;

    @Test
    public void afterAnyFailureOfMakingNothingIsLeft() {
        int effect = 0;
        while (failsToMake(effect)) {
            assertEquals("after failure of effect " + effect, List.of(), testbed().effects(OWNER));
            testbed().undo(OWNER);
            effect++;
            assertNotEquals("effects of one handle", MOST_EFFECTS, effect);
        }
    }

    private boolean failsToMake(int effect) {
        try {
            adopt(
                            make(
                                            newDriver(),
                                            testbed().failing(OWNER, "h0", settings(), effect),
                                            call())
                                    .state())
                    .destroy(call());
            return false;
        } catch (DriverException e) {
            assertSentence(e.getMessage());
            return true;
        }
    }

    @Test
    public void afterAnyFailureDestroyingCanBeRepeated() {
        int effect = 0;
        while (failsToDestroyOnce(effect)) {
            effect++;
            assertNotEquals("effects of one handle", MOST_EFFECTS, effect);
        }
    }

    /**
     * Whether adopting or destroying failed; it was repeated then, and must have undone everything.
     */
    private boolean failsToDestroyOnce(int effect) {
        HandleState state = make().state();
        List<String> before = testbed().effects(OWNER);
        H handle;
        boolean failed = false;
        try {
            handle =
                    adopt(
                            newDriver(),
                            state,
                            testbed().failing(OWNER, "h0", settings(), effect),
                            call());
        } catch (DriverException e) {
            assertSentence(e.getMessage());
            assertEquals("a failed adoption changes nothing", before, testbed().effects(OWNER));
            handle = adopt(state);
            failed = true;
        }
        Optional<DriverException> failure = destroy(handle);
        if (failure.isPresent()) {
            assertSentence(failure.get().getMessage());
            handle.destroy(call());
        }
        assertEquals("after failure of effect " + effect, List.of(), testbed().effects(OWNER));
        testbed().undo(OWNER);
        return failed || failure.isPresent();
    }

    private Optional<DriverException> destroy(H handle) {
        try {
            handle.destroy(call());
            return Optional.empty();
        } catch (DriverException e) {
            return Optional.of(e);
        }
    }
}
