// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import io.hako.api.driver.Finding;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** What the host has of all that the driver needs. */
final class VirtioFsProbe {
    private static final String INSTALL =
            "Install virtiofsd (Debian 13: apt install virtiofsd; Debian 12: apt install qemu-system-common), or set binary in [storage.virtio-fs].";
    private static final Path USER_NAMESPACES = Path.of("/proc/sys/user/max_user_namespaces");

    private VirtioFsProbe() {}

    static List<Finding> findings(VirtioFsSettings settings, Call call) {
        return List.of(program(settings, call), userNamespaces());
    }

    static DriverException noProgram(VirtioFsSettings settings) {
        return new DriverException(
                FailureKind.NOT_FOUND, "%s %s".formatted(absence(settings), INSTALL));
    }

    private static Finding program(VirtioFsSettings settings, Call call) {
        Optional<Path> program = settings.program();
        if (program.isEmpty()) {
            return Finding.missing("virtiofsd", absence(settings), INSTALL);
        }
        return ProgramVersion.of(program.get(), call)
                .map(
                        version ->
                                Finding.ok(
                                        "virtiofsd",
                                        "A %s is at %s.".formatted(version, program.get())))
                .orElseGet(
                        () ->
                                Finding.missing(
                                        "virtiofsd",
                                        "%s does not say that it is virtiofsd."
                                                .formatted(program.get()),
                                        INSTALL));
    }

    private static String absence(VirtioFsSettings settings) {
        return settings.binary()
                .map(path -> "There is no program %s.".formatted(path))
                .orElse("There is no virtiofsd in any of %s.".formatted(VirtioFsSettings.PLACES));
    }

    private static Finding userNamespaces() {
        try {
            return Files.readString(USER_NAMESPACES).strip().equals("0")
                    ? Finding.missing(
                            "user namespaces",
                            "This host allows no user namespace, in which virtiofsd is confined.",
                            "Set the sysctl user.max_user_namespaces to more than 0.")
                    : Finding.ok("user namespaces", "They are allowed.");
        } catch (IOException e) {
            return Finding.missing(
                    "user namespaces",
                    "The kernel of this host has no user namespaces.",
                    "Use a kernel with CONFIG_USER_NS.");
        }
    }
}
