// SPDX-License-Identifier: Apache-2.0
/** Finds drivers, lends their handles, moves handles between drivers. */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.driverhost;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
