// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import java.nio.file.Path;

/**
 * A network namespace of the host.
 *
 * @param path absolute path of a file that holds it, such as {@code /run/netns/NAME} or {@code
 *     /proc/PID/ns/net}
 */
public record NetworkNamespace(Path path) {
    public NetworkNamespace {
        Names.absolute("The path of a network namespace", path);
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
