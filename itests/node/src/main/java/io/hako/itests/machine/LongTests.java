// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assume.assumeTrue;

/** What {@code ./dev test} leaves to {@code ./dev test --long}. */
public final class LongTests {
    private LongTests() {}

    public static boolean asked() {
        return System.getProperty("hako.long", "no").equals("yes");
    }

    /** Skips the test unless the long run was asked for. */
    public static void only() {
        assumeTrue("only in ./dev test --long", asked());
    }
}
