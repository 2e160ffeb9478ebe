// SPDX-License-Identifier: Apache-2.0
package io.hako.api.storage;

import io.hako.api.types.DeviceId;
import io.hako.api.types.GuestPath;
import io.hako.api.types.Names;
import org.osgi.annotation.versioning.ProviderType;

/**
 * What a file system in the guest is made of. Device nodes are never named: the guest gives them in
 * any order.
 */
@ProviderType
public sealed interface GuestSource {
    /** A shared directory, by the tag of its device. */
    record Tag(String tag) implements GuestSource {
        public Tag {
            Names.name("The tag of a share", tag, 36);
        }
    }

    /** A disk, by its {@code BlockDisk.serial}. */
    record Disk(String serial) implements GuestSource {
        public Disk {
            Names.name("The serial of a disk", serial, 20);
        }
    }

    /** Persistent memory, by its device. */
    record Memory(DeviceId device) implements GuestSource {}

    /** A path in the guest, for bind mounts. */
    record Directory(GuestPath path) implements GuestSource {}

    /** Nothing: tmpfs, and overlay, whose directories are options. */
    record None() implements GuestSource {}
}
