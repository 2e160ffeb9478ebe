// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

/**
 * A process's streams as the Task API gives them: paths of fifos, or for outputs URIs; empty for
 * none. With a terminal, {@code stdout} carries both outputs.
 */
public record StdioPaths(boolean terminal, String stdin, String stdout, String stderr) {
    public static final StdioPaths NONE = new StdioPaths(false, "", "", "");
}
