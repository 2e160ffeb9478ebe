// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import io.hako.api.types.Names;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * The table {@code [storage.virtio-fs]} of the settings file.
 *
 * @param binary virtiofsd, of QEMU (C) or of its own project (Rust); absent: the first that is
 *     there of {@link #PLACES}
 * @param cache how long the guest may go by what it has seen
 */
public record VirtioFsSettings(Optional<Path> binary, CachePolicy cache) {
    /**
     * Where distributions have it: Debian 13 and Fedora, Debian 12 (package qemu-system-common), by
     * hand.
     */
    static final List<Path> PLACES =
            List.of(
                    Path.of("/usr/libexec/virtiofsd"),
                    Path.of("/usr/lib/qemu/virtiofsd"),
                    Path.of("/usr/local/bin/virtiofsd"));

    public VirtioFsSettings {
        binary.ifPresent(path -> Names.absolute("The setting binary of storage.virtio-fs", path));
    }

    public VirtioFsSettings() {
        this(Optional.empty(), CachePolicy.AUTO);
    }

    /** The program to run; empty if there is none. */
    Optional<Path> program() {
        return binary.map(List::of).orElse(PLACES).stream().filter(Files::isExecutable).findFirst();
    }
}
