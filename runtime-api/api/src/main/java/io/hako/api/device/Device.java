// SPDX-License-Identifier: Apache-2.0
package io.hako.api.device;

import io.hako.api.types.DeviceId;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Something that a virtual machine can have plugged in. Network and storage drivers produce
 * devices, a hypervisor attaches them; none of them knows the others.
 *
 * <p>Two devices are the same if they are equal: attaching one that is attached already succeeds.
 *
 * <p>A later minor version of this API may add variants. A switch over devices in a plugin
 * therefore has a default, which fails with UNSUPPORTED.
 */
@ProviderType
public sealed interface Device
        permits BlockDisk,
                PersistentMemory,
                VirtioFsShare,
                NinePShare,
                TapInterface,
                VhostUserInterface {
    DeviceId id();

    DeviceKind kind();
}
