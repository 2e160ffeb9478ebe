// SPDX-License-Identifier: Apache-2.0
package io.hako.api.storage;

import io.hako.api.types.DriverException;
import io.hako.api.types.GuestPath;
import io.hako.api.types.MemorySize;
import io.hako.api.types.Names;
import java.nio.file.Path;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Something of the host that is to appear in the guest. Paths of the host are absolute.
 *
 * <p>A later minor version of this API may add variants: a switch over sources in a plugin has a
 * default, which fails with UNSUPPORTED.
 */
@ProviderType
public sealed interface VolumeSource {
    VolumeId id();

    /** Where the content appears in the guest. */
    GuestPath target();

    SourceKind kind();

    /**
     * A directory and what is below it, kept the same on both sides: what either writes, the other
     * sees.
     */
    record HostDirectory(VolumeId id, Path directory, boolean readOnly, GuestPath target)
            implements VolumeSource {
        public HostDirectory {
            Names.absolute("The directory of volume " + id, directory);
        }

        @Override
        public SourceKind kind() {
            return SourceKind.HOST_DIRECTORY;
        }
    }

    /** One regular file, kept the same on both sides. */
    record HostFile(VolumeId id, Path file, boolean readOnly, GuestPath target)
            implements VolumeSource {
        public HostFile {
            Names.absolute("The file of volume " + id, file);
        }

        @Override
        public SourceKind kind() {
            return SourceKind.HOST_FILE;
        }
    }

    /**
     * A block device of the host with a file system on it.
     *
     * @param filesystem as mount(8) names its type
     */
    record HostBlockDevice(
            VolumeId id, Path device, String filesystem, boolean readOnly, GuestPath target)
            implements VolumeSource {
        public HostBlockDevice {
            Names.absolute("The device of volume " + id, device);
            Names.name("The file system of volume " + id, filesystem, 31);
        }

        @Override
        public SourceKind kind() {
            return SourceKind.HOST_BLOCK_DEVICE;
        }
    }

    /**
     * A raw image file of a file system.
     *
     * @param filesystem as mount(8) names its type
     */
    record RawImage(VolumeId id, Path image, String filesystem, boolean readOnly, GuestPath target)
            implements VolumeSource {
        public RawImage {
            Names.absolute("The image of volume " + id, image);
            Names.name("The file system of volume " + id, filesystem, 31);
        }

        @Override
        public SourceKind kind() {
            return SourceKind.RAW_IMAGE;
        }
    }

    /**
     * The unpacked layers of a container image, read-only.
     *
     * @param layers one directory each, the topmost first, as overlayfs takes lower directories; at
     *     least one
     */
    record ImageLayers(VolumeId id, List<Path> layers, GuestPath target) implements VolumeSource {
        public ImageLayers {
            layers = List.copyOf(layers);
            if (layers.isEmpty()) {
                throw DriverException.invalid(
                        "Volume %s needs at least one image layer.".formatted(id));
            }
            for (Path layer : layers) {
                Names.absolute("An image layer of volume " + id, layer);
            }
        }

        @Override
        public SourceKind kind() {
            return SourceKind.IMAGE_LAYERS;
        }
    }

    /**
     * Empty space of the sandbox's own, gone when it is.
     *
     * @param bound the most that it can hold, larger than zero
     */
    record Scratch(VolumeId id, MemorySize bound, GuestPath target) implements VolumeSource {
        public Scratch {
            if (bound.bytes() == 0) {
                throw DriverException.invalid(
                        "The scratch volume %s needs more than 0 bytes.".formatted(id));
            }
        }

        @Override
        public SourceKind kind() {
            return SourceKind.SCRATCH;
        }
    }
}
