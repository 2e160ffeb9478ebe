// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import io.hako.api.types.DriverException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Tells the mounts that a guest makes by itself from those that bring something of the host. */
final class Mounts {
    private static final Set<String> GUEST_TYPES =
            Set.of(
                    "proc",
                    "sysfs",
                    "tmpfs",
                    "devpts",
                    "mqueue",
                    "cgroup",
                    "cgroup2",
                    "devtmpfs",
                    "ramfs",
                    "overlay");

    private Mounts() {}

    static OciMount classify(Path bundle, JsonNode mount) {
        String destination = mount.get("destination").string();
        if (!destination.startsWith("/")) {
            mount.get("destination").fail("an absolute path");
        }
        List<String> options = mount.get("options").strings();
        String type = mount.get("type").string("");
        if (type.equals("bind") || options.contains("bind") || options.contains("rbind")) {
            Path source = bundle.resolve(mount.get("source").string()).normalize();
            return new OciMount.HostPath(source, destination, readOnly(options), options);
        }
        if (!GUEST_TYPES.contains(type)) {
            throw DriverException.unsupported(
                    "%s: %s is a mount of type \"%s\", but a guest makes only %s, and bind mounts."
                            .formatted(
                                    mount.document(),
                                    mount.path(),
                                    type,
                                    String.join(", ", GUEST_TYPES.stream().sorted().toList())));
        }
        return new OciMount.GuestFilesystem(type, destination);
    }

    private static boolean readOnly(List<String> options) {
        return options.contains("ro") || options.contains("rro");
    }
}
