// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

public class MemorySizeTest {
    @Test
    public void textWithAndWithoutUnitIsRead() {
        assertEquals(new MemorySize(4096), MemorySize.parse("4096"));
        assertEquals(new MemorySize(4096), MemorySize.parse("4096b"));
        assertEquals(MemorySize.ofKibibytes(64), MemorySize.parse("64k"));
        assertEquals(MemorySize.ofMebibytes(256), MemorySize.parse(" 256M "));
        assertEquals(MemorySize.ofGibibytes(2), MemorySize.parse("2GiB"));
        assertEquals(MemorySize.ofGibibytes(1024), MemorySize.parse("1tb"));
    }

    @Test
    public void textThatIsNoSizeIsRefused() {
        for (String text :
                new String[] {"", "M", "-1", "1.5G", "12X", "1 G", "99999999999999999999"}) {
            DriverException e =
                    assertThrows(text, DriverException.class, () -> MemorySize.parse(text));
            assertEquals(FailureKind.INVALID_REQUEST, e.failure());
            assertTrue(e.getMessage(), e.getMessage().contains("\"" + text + "\""));
        }
    }

    @Test
    public void limitsAreNamed() {
        assertEquals(
                "A memory size must be 0 to 4611686018427387904 bytes, but is -1.",
                assertThrows(DriverException.class, () -> new MemorySize(-1)).getMessage());
        assertEquals(
                "A memory size must be 0 to 4611686018427387904 bytes, but is 9999999 times 1099511627776.",
                assertThrows(DriverException.class, () -> MemorySize.parse("9999999T"))
                        .getMessage());
        assertEquals(MemorySize.LARGEST, new MemorySize(MemorySize.LARGEST).bytes());
    }

    @Test
    public void unitsRoundUp() {
        MemorySize unit = MemorySize.ofMebibytes(2);
        assertEquals(0, MemorySize.ZERO.inUnitsOf(unit));
        assertEquals(1, new MemorySize(1).inUnitsOf(unit));
        assertEquals(MemorySize.ofMebibytes(4), MemorySize.ofMebibytes(3).roundedUpTo(unit));
        assertTrue(MemorySize.ofMebibytes(4).isMultipleOf(unit));
    }

    @Test
    public void textIsInTheLargestUnitThatDivides() {
        assertEquals("0 bytes", MemorySize.ZERO.toString());
        assertEquals("4097 bytes", new MemorySize(4097).toString());
        assertEquals("256 MiB", MemorySize.ofMebibytes(256).toString());
        assertEquals("4194304 TiB", new MemorySize(MemorySize.LARGEST).toString());
    }
}
