// SPDX-License-Identifier: Apache-2.0
package io.hako.api.storage;

/** The kinds of {@link VolumeSource}. */
public enum SourceKind {
    HOST_DIRECTORY,
    HOST_FILE,
    HOST_BLOCK_DEVICE,
    RAW_IMAGE,
    IMAGE_LAYERS,
    SCRATCH
}
