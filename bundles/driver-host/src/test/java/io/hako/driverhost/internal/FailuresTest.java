// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import org.junit.Test;

public class FailuresTest {
    private static final DriverId DRIVER = DriverId.parse("hypervisor/example");

    @Test
    public void whatADriverSaysPassesWithItsCauseAsText() {
        DriverException e =
                thrown(
                        () -> {
                            throw new DriverException(
                                    FailureKind.NOT_FOUND,
                                    "There is no kernel.",
                                    new IOException("gone"));
                        });
        assertEquals(FailureKind.NOT_FOUND, e.failure());
        assertEquals("There is no kernel. (java.io.IOException: gone)", e.getMessage());
        assertNull("the cause keeps its class loader", e.getCause());
    }

    @Test
    public void anythingElseIsAFaultOfTheDriver() {
        DriverException e =
                thrown(
                        () -> {
                            throw new IllegalStateException("bad");
                        });
        assertEquals(FailureKind.INTERNAL, e.failure());
        assertEquals(
                "Driver hypervisor/example failed: java.lang.IllegalStateException: bad. This is a fault of the driver.",
                e.getMessage());
        assertNull(e.getCause());
    }

    @Test
    public void aMissingClassIsAFaultOfTheDriver() {
        assertEquals(
                FailureKind.INTERNAL,
                thrown(
                                () -> {
                                    throw new NoClassDefFoundError("a/B");
                                })
                        .failure());
    }

    @Test
    public void anInterruptThatADriverLeavesBehindIsTakenAway() {
        Failures.guard(DRIVER, () -> Thread.currentThread().interrupt());
        assertFalse(Thread.interrupted());
        thrown(
                () -> {
                    Thread.currentThread().interrupt();
                    throw new IllegalStateException("bad");
                });
        assertFalse(Thread.interrupted());
    }

    @Test
    public void anInterruptOfTheCallerIsLeftToIt() {
        Thread.currentThread().interrupt();
        Failures.guard(DRIVER, () -> {});
        assertTrue(Thread.interrupted());
    }

    @Test
    public void lackOfMemoryPasses() {
        assertThrows(
                OutOfMemoryError.class,
                () ->
                        Failures.guard(
                                DRIVER,
                                () -> {
                                    throw new OutOfMemoryError();
                                }));
    }

    private static DriverException thrown(Runnable work) {
        return assertThrows(DriverException.class, () -> Failures.guard(DRIVER, work));
    }
}
