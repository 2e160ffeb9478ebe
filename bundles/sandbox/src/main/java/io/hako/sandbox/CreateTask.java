// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

import java.nio.file.Path;
import java.util.List;

/**
 * containerd's CreateTaskRequest.
 *
 * @param bundle the container's OCI bundle, absolute; holds config.json
 * @param rootfs the mounts that make the root file system, in order; empty: the bundle's {@code
 *     root.path}
 */
public record CreateTask(
        String container, Path bundle, List<RootfsMount> rootfs, StdioPaths stdio) {
    public CreateTask {
        rootfs = List.copyOf(rootfs);
    }

    /** One mount as mount(8) has it. */
    public record RootfsMount(String type, String source, List<String> options) {
        public RootfsMount {
            options = List.copyOf(options);
        }
    }
}
