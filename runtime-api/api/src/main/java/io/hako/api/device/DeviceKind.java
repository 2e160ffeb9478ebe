// SPDX-License-Identifier: Apache-2.0
package io.hako.api.device;

/** The kinds of device, for counting what a hypervisor can attach and what a driver produces. */
public enum DeviceKind {
    BLOCK_DISK,
    PERSISTENT_MEMORY,
    VIRTIO_FS_SHARE,
    NINE_P_SHARE,
    TAP_INTERFACE,
    VHOST_USER_INTERFACE
}
