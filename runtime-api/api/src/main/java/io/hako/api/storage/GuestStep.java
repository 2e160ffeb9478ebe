// SPDX-License-Identifier: Apache-2.0
package io.hako.api.storage;

import io.hako.api.types.GuestPath;
import io.hako.api.types.Names;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/** Something that the agent does in the guest, so that an attached device's content appears. */
@ProviderType
public sealed interface GuestStep {
    /**
     * Mounts a file system; the target is made if it is missing.
     *
     * @param type as for mount(2): virtiofs, 9p, ext4, erofs, overlay, tmpfs, or bind
     * @param source what it is made of
     * @param target where
     * @param options as for mount(8)
     */
    record MountFilesystem(String type, GuestSource source, GuestPath target, List<String> options)
            implements GuestStep {
        public MountFilesystem {
            Names.name("The type of a file system", type, 31);
            options = List.copyOf(options);
            for (String option : options) {
                Names.text("A mount option", option, 4000);
            }
        }
    }

    /** Makes an empty file system on a disk that has none. */
    record MakeFilesystem(String type, GuestSource.Disk disk) implements GuestStep {
        public MakeFilesystem {
            Names.name("The type of a file system", type, 31);
        }
    }

    /** Makes a mounted file system as large as the disk below it has become. */
    record GrowFilesystem(GuestPath target) implements GuestStep {}
}
