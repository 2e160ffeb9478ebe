// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import io.hako.api.storage.SourceKind;
import io.hako.api.storage.VolumeId;
import io.hako.api.storage.VolumeSource;
import io.hako.api.types.GuestPath;
import io.hako.api.types.MemorySize;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Values that the driver is tried with. */
final class Samples {
    private Samples() {}

    /** Even numbers are writable, odd ones read-only. */
    static Optional<VolumeSource> source(SourceKind kind, int number, Path path) {
        VolumeId id = new VolumeId("v" + number);
        GuestPath target = new GuestPath("/run/hako/share/" + number);
        return Optional.of(
                switch (kind) {
                    case HOST_DIRECTORY ->
                            new VolumeSource.HostDirectory(id, path, number % 2 == 1, target);
                    case HOST_FILE -> new VolumeSource.HostFile(id, path, true, target);
                    case HOST_BLOCK_DEVICE ->
                            new VolumeSource.HostBlockDevice(id, path, "ext4", false, target);
                    case RAW_IMAGE -> new VolumeSource.RawImage(id, path, "ext4", false, target);
                    case IMAGE_LAYERS -> new VolumeSource.ImageLayers(id, List.of(path), target);
                    case SCRATCH -> new VolumeSource.Scratch(id, MemorySize.ofMebibytes(1), target);
                });
    }
}
