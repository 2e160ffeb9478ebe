// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.driver.Driver;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Handle;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.SchemaRange;
import io.hako.api.driver.Settings;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import java.util.List;
import org.junit.After;
import org.junit.Before;

/**
 * What the kits of all kinds of driver have in common: a testbed, a sandbox on it, and one handle.
 *
 * @param <D> the kind of driver
 * @param <H> the kind of handle
 */
public abstract class DriverKit<D extends Driver<?>, H extends Handle> {
    /** The sandbox that all handles of a test belong to. */
    protected static final OwnerId OWNER = new OwnerId("kit", "sandbox");

    private Testbed testbed;

    /** A machine with nothing of the sandbox on it. Called before each test, closed after it. */
    protected abstract Testbed newTestbed() throws Exception;

    /**
     * A fresh instance, as another version of the bundle would have. Also called on an instance of
     * the test whose rules have not run, as {@link #settings} is.
     */
    protected abstract D newDriver();

    /** What the driver is tried with. */
    protected abstract Settings settings();

    abstract H make(D driver, DriverContext context, Call call);

    abstract H adopt(D driver, HandleState state, DriverContext context, Call call);

    abstract DriverId id(D driver);

    abstract SchemaRange schemas(D driver);

    @Before
    public final void openTestbed() throws Exception {
        testbed = newTestbed();
    }

    @After
    public final void closeTestbed() {
        try {
            testbed.undo(OWNER);
        } finally {
            testbed.close();
        }
    }

    protected final Testbed testbed() {
        return testbed;
    }

    protected final Call call() {
        return testbed.call();
    }

    /** The context of the one handle that most tests make. */
    protected final DriverContext context() {
        return testbed.context(OWNER, "h0", settings());
    }

    final H make() {
        return make(newDriver(), context(), call());
    }

    /** Adopts into a new instance of the driver. */
    final H adopt(HandleState state) {
        return adopt(newDriver(), state, context(), call());
    }

    final void assertNothingLeft() {
        assertEquals("effects that are left", List.of(), testbed.effects(OWNER));
    }

    static DriverException assertFails(FailureKind kind, org.junit.function.ThrowingRunnable work) {
        DriverException e = assertThrows(DriverException.class, work);
        assertEquals(e.getMessage(), kind, e.failure());
        assertSentence(e.getMessage());
        return e;
    }

    static void assertSentence(String text) {
        assertTrue(
                "A sentence begins with a capital and ends with a full stop: " + text,
                text.matches("(?s)[\\p{Lu}\\d/].*[.!]"));
    }
}
