// SPDX-License-Identifier: Apache-2.0
/** Drivers that run virtual machines. */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.api.hypervisor;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
