// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import static org.junit.Assert.assertEquals;

import org.junit.Test;

public class PackageFilterTest {
    @Test
    public void aRangeIsReadBack() {
        assertEquals(
                "io.hako.api.types [2.0.0,3.0.0)",
                PackageFilter.described(
                        "(&(osgi.wiring.package=io.hako.api.types)(version>=2.0.0)(!(version>=3.0.0)))"));
    }

    @Test
    public void anOpenRangeIsReadBack() {
        assertEquals(
                "com.example, version 1.2.0 or later",
                PackageFilter.described("(&(osgi.wiring.package=com.example)(version>=1.2.0))"));
        assertEquals(
                "com.example, version 0.0.0 or later",
                PackageFilter.described("(osgi.wiring.package=com.example)"));
    }

    @Test
    public void anotherFilterIsShownAsItIs() {
        assertEquals("(a=b)", PackageFilter.described("(a=b)"));
    }
}
