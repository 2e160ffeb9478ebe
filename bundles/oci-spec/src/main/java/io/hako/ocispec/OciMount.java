// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import java.nio.file.Path;
import java.util.List;

/** An entry of {@code mounts}, by who can make it (OCI runtime-spec 1.2, config.md, "Mounts"). */
public sealed interface OciMount {
    /** Where it appears in the container, absolute. */
    String destination();

    /** A file system that the guest's kernel makes by itself: proc, sysfs, tmpfs and so on. */
    record GuestFilesystem(String type, String destination) implements OciMount {}

    /** A file or directory of the host that the container is to see. */
    record HostPath(Path source, String destination, boolean readOnly, List<String> options)
            implements OciMount {
        public HostPath {
            options = List.copyOf(options);
        }
    }
}
