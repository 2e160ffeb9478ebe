// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertTrue;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How soon hakod told of the end of a machine, by its own log: from the moment that the shim noted
 * as the monitor's end until the exits of all containers were recorded and handed to whoever
 * waited. What the command then takes to print them is not in it, since that is the share of the
 * processors that a test's own programs get.
 */
final class ToldEnd {
    private static final Duration PROMISE = Duration.ofSeconds(1);
    private static final Pattern LINE =
            Pattern.compile("whoever waits was told (\\d+) ms after the end of its machine\\.");

    private ToldEnd() {}

    /** Demands that the one machine of the node that has ended was told of within a second. */
    static void isWithinASecond(Node node) {
        Matcher line = LINE.matcher(node.logText());
        assertTrue(node.logText(), line.find());
        Duration took = Duration.ofMillis(Long.parseLong(line.group(1)));
        assertTrue("told after " + took, took.compareTo(PROMISE) <= 0);
    }
}
