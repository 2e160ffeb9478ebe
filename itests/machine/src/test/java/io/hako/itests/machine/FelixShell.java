// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;

import java.nio.charset.StandardCharsets;

/** The Felix shell of a node, as a script meets it: `hako shell` with its input from a pipe. */
record FelixShell(Node node) {
    /** What the shell answers to one command. */
    String answer(String command) {
        Result result = node.hako((command + "\nexit\n").getBytes(StandardCharsets.UTF_8), "shell");
        assertEquals(result.toString(), 0, result.exit());
        return result.text();
    }
}
