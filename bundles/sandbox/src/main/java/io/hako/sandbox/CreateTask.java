// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

import io.hako.settings.ProfileChoice;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * containerd's CreateTaskRequest.
 *
 * @param bundle the container's OCI bundle, absolute; holds config.json
 * @param rootfs the mounts that make the root file system, in order; empty: the bundle's {@code
 *     root.path}
 * @param profile of the settings, by the runtime's options; counts for a sandbox's first container
 */
public record CreateTask(
        String container,
        Path bundle,
        List<RootfsMount> rootfs,
        StdioPaths stdio,
        Optional<ProfileChoice> profile) {
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
