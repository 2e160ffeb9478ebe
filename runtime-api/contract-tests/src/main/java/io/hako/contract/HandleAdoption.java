// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;

import io.hako.api.driver.Driver;
import io.hako.api.driver.Handle;
import io.hako.api.driver.HandleState;
import io.hako.api.types.FailureKind;
import java.util.List;
import org.junit.Test;

/**
 * Theme: a handle is taken up by another instance of the driver, as after a restart of the daemon
 * or a swap.
 */
public abstract class HandleAdoption<D extends Driver<?>, H extends Handle>
        extends HandleFailures<D, H> {
    @Test
    public void anotherInstanceAdoptsAReleasedHandle() {
        H first = make();
        HandleState state = first.state();
        first.release();
        List<String> before = testbed().effects(OWNER);

        H second = adopt(state);
        assertEquals("adopting changes nothing on the machine", before, testbed().effects(OWNER));
        assertEquals(state, second.state());
        second.destroy(call());
        assertNothingLeft();
    }

    @Test
    public void aHandleThatWasNeverReleasedIsAdopted() {
        HandleState state = make().state(); // the daemon was killed
        H second = adopt(state);
        second.destroy(call());
        assertNothingLeft();
    }

    @Test
    public void aHandleIsAdoptedTimeAndAgain() {
        H handle = make();
        HandleState state = handle.state();
        for (int i = 0; i < 5; i++) {
            handle.release();
            handle = adopt(handle.state());
            assertEquals(state, handle.state());
        }
        handle.destroy(call());
        assertNothingLeft();
    }

    @Test
    public void unknownFieldsOfTheStateAreIgnored() {
        H first = make();
        HandleState state = first.state();
        first.release();
        H second = adopt(withMore(state));
        second.destroy(call());
        assertNothingLeft();
    }

    @Test
    public void aStateOfALaterSchemaIsRefusedAndNothingChanges() {
        D driver = newDriver();
        assertSchemaRefused(schemas(driver).written() + 1);
    }

    @Test
    public void aStateBeforeTheOldestSchemaIsRefusedAndNothingChanges() {
        int before = schemas(newDriver()).oldest() - 1;
        org.junit.Assume.assumeTrue("There is no schema before 1.", before >= 1);
        assertSchemaRefused(before);
    }

    private void assertSchemaRefused(int schema) {
        H first = make();
        HandleState state = first.state();
        first.release();
        List<String> before = testbed().effects(OWNER);
        assertFails(
                FailureKind.UNSUPPORTED,
                () -> adopt(new HandleState(state.driver(), schema, state.json())));
        assertEquals(before, testbed().effects(OWNER));
        adopt(state).destroy(call());
        assertNothingLeft();
    }

    @Test
    public void aCancelledAdoptionChangesNothing() {
        H first = make();
        HandleState state = first.state();
        first.release();
        List<String> before = testbed().effects(OWNER);
        assertFails(
                FailureKind.CANCELLED,
                () -> adopt(newDriver(), state, context(), testbed().cancelledCall()));
        assertEquals(before, testbed().effects(OWNER));
        adopt(state).destroy(call());
        assertNothingLeft();
    }

    /** The state as a later minor version would have written it. */
    private static HandleState withMore(HandleState state) {
        String body = state.json().strip().substring(1).strip();
        String more =
                "{\"addedLater\":{\"deep\":[1,2,{\"er\":null}]}"
                        + (body.equals("}") ? "" : ",")
                        + body;
        return new HandleState(state.driver(), state.schema(), more);
    }
}
