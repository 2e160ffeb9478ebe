// SPDX-License-Identifier: Apache-2.0
/** Drivers that bring files and disks of the host to a virtual machine. */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.api.storage;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
