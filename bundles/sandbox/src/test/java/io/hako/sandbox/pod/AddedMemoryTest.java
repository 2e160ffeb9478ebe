// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

public class AddedMemoryTest {
    private static final long MIB = 1L << 20;

    @Test
    public void eachBegunBlockNeedsTwoMebibytes() {
        assertEquals(0, AddedMemory.withItsDescription(0));
        assertEquals(3 * MIB, AddedMemory.withItsDescription(MIB));
        assertEquals(128 * MIB, AddedMemory.withItsDescription(126 * MIB));
        assertEquals(131 * MIB, AddedMemory.withItsDescription(127 * MIB));
    }

    @Test
    public void whatIsAddedForSomeUseIsEnoughForIt() {
        for (long usable = 0; usable < 1000 * MIB; usable += 7 * MIB) {
            long added = AddedMemory.withItsDescription(usable);
            assertTrue(usable + " of " + added, AddedMemory.usable(added) >= usable);
        }
        assertEquals("less than a block's description", 0, AddedMemory.usable(MIB));
    }
}
