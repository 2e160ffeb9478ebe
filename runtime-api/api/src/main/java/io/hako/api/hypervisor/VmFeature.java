// SPDX-License-Identifier: Apache-2.0
package io.hako.api.hypervisor;

/** What not every hypervisor can do. Each stands for an interface that its machines then have. */
public enum VmFeature {
    /** Its machines are {@link Pausable}. */
    PAUSE,
    /** Its machines are {@link Resizable}. */
    RESIZE
}
