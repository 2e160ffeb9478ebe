// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

import java.util.List;

/**
 * A program that an operator wants in a guest.
 *
 * @param sandbox id, unique prefix of an id, or name
 * @param session a name of the caller's, new in that sandbox
 * @param user who asks, for the log
 * @param arguments from argv[0] on
 * @param environment K=V
 * @param rows of its terminal, if it has one
 */
public record DebugTask(
        String sandbox,
        String session,
        String user,
        List<String> arguments,
        List<String> environment,
        StdioPaths stdio,
        int rows,
        int columns) {
    public DebugTask {
        arguments = List.copyOf(arguments);
        environment = List.copyOf(environment);
    }
}
