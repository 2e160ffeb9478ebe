// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.hako.api.driver.Driver;
import io.hako.api.driver.Finding;
import io.hako.api.driver.Handle;
import io.hako.api.driver.HandleState;
import io.hako.api.types.FailureKind;
import java.util.List;
import org.junit.Test;

/** Theme: the life of a handle, whatever its kind. */
public abstract class HandleLifecycle<D extends Driver<?>, H extends Handle>
        extends DriverKit<D, H> {
    @Test
    public void profileIsTheSameFromEveryInstance() {
        D driver = newDriver();
        assertEquals(driver.profile(settings()), driver.profile(settings()));
        assertEquals(driver.profile(settings()), newDriver().profile(settings()));
    }

    @Test
    public void probeFindsSomethingAndChangesNothing() {
        List<Finding> findings = newDriver().probe(settings(), call());
        assertFalse("A probe has at least one finding.", findings.isEmpty());
        findings.forEach(finding -> assertSentence(finding.sentence()));
        assertNothingLeft();
    }

    @Test
    public void destroyUndoesEverything() {
        H handle = make();
        handle.destroy(call());
        assertNothingLeft();
    }

    @Test
    public void destroyIsIdempotent() {
        H handle = make();
        handle.destroy(call());
        handle.destroy(call());
        handle.release();
        assertNothingLeft();
    }

    @Test
    public void releaseIsIdempotentAndLeavesEverything() {
        H handle = make();
        List<String> before = testbed().effects(OWNER);
        handle.release();
        handle.release();
        assertEquals(before, testbed().effects(OWNER));
    }

    @Test
    public void aReleasedHandleRefusesToBeDestroyed() {
        H handle = make();
        List<String> before = testbed().effects(OWNER);
        handle.release();
        assertFails(FailureKind.FAILED_PRECONDITION, () -> handle.destroy(call()));
        assertEquals("another instance may have it by now", before, testbed().effects(OWNER));
    }

    @Test
    public void stateIsOfThisDriverAndItsSchema() {
        D driver = newDriver();
        HandleState state = make(driver, context(), call()).state();
        assertEquals(id(driver), state.driver());
        assertEquals(schemas(driver).written(), state.schema());
    }

    @Test
    public void stateStaysTheSameWhileNothingHappens() {
        H handle = make();
        HandleState state = handle.state();
        assertEquals(state, handle.state());
        handle.release();
        assertEquals("a closed handle answers with its last state", state, handle.state());
    }

    @Test
    public void aHandleCanBeMadeAgainAfterItWasDestroyed() {
        make().destroy(call());
        testbed().undo(OWNER);
        H again = make();
        assertTrue(again.state().json().startsWith("{"));
        again.destroy(call());
        assertNothingLeft();
    }

    @Test
    public void aCancelledCallMakesNothing() {
        assertFails(
                FailureKind.CANCELLED,
                () -> make(newDriver(), context(), testbed().cancelledCall()));
        assertNothingLeft();
    }

    @Test
    public void aCancelledDestroyCanBeRepeated() {
        H handle = make();
        try {
            handle.destroy(testbed().cancelledCall());
        } catch (io.hako.api.types.DriverException e) {
            assertEquals(FailureKind.CANCELLED, e.failure());
        }
        handle.destroy(call());
        assertNothingLeft();
    }
}
