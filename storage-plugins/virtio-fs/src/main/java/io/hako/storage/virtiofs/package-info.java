// SPDX-License-Identifier: Apache-2.0
/**
 * Directories of the host in the guest, by virtio-fs: one virtiofsd for each, whose process the
 * shim owns.
 */
@NullMarked
package io.hako.storage.virtiofs;

import org.jspecify.annotations.NullMarked;
