// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import java.nio.file.Path;

/**
 * Table {@code [debug]}.
 *
 * @param program a static executable of this host that is a shell and its tools in one, such as
 *     busybox: what {@code hako debug} runs in a guest
 */
public record DebugSettings(Path program) {
    public DebugSettings() {
        this(Path.of("/bin/busybox"));
    }
}
