// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

/** What the operator wants guest code to run on. */
public enum AcceleratorChoice {
    /** KVM where it is usable, else TCG. */
    AUTO,
    /** KVM; where it is not usable, no machine is created. */
    KVM,
    /** QEMU's emulation, many times slower. */
    TCG
}
