// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.Test;

public class GateTest {
    private static final Duration LONG = Duration.ofSeconds(20);

    private final Gate gate = new Gate();

    @Test
    public void anEmptyGateClosesAtOnceAndLetsNoOneIn() {
        assertTrue(gate.enter());
        gate.leave();
        assertTrue(gate.close(LONG));
        assertFalse(gate.enter());
    }

    @Test
    public void closingWaitsForTheLastToLeave() throws Exception {
        assertTrue(gate.enter());
        CompletableFuture<Boolean> closing = CompletableFuture.supplyAsync(() -> gate.close(LONG));
        while (!gate.closed()) {
            Thread.onSpinWait();
        }
        assertFalse("someone is inside", closing.isDone());
        assertFalse("no one gets in meanwhile", gate.enter());
        gate.leave();
        assertEquals(true, closing.get(LONG.toSeconds(), TimeUnit.SECONDS));
    }

    @Test
    public void closingGivesUpAtItsLimitAndStaysClosed() {
        assertTrue(gate.enter());
        assertFalse(gate.close(Duration.ofMillis(1)));
        assertTrue(gate.closed());
        gate.leave();
        assertFalse(gate.enter());
    }
}
