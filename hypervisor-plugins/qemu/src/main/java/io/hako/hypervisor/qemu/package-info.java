// SPDX-License-Identifier: Apache-2.0
/** Virtual machines by QEMU: a q35 machine, driven over QMP, whose process the shim owns. */
@NullMarked
package io.hako.hypervisor.qemu;

import org.jspecify.annotations.NullMarked;
