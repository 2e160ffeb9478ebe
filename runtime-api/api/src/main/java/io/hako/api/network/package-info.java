// SPDX-License-Identifier: Apache-2.0
/** Drivers that bring a pod's network interface to its virtual machine. */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.api.network;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
