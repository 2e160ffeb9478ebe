// SPDX-License-Identifier: Apache-2.0
/** All that a driver may do to the machine. Each effect is journalled before it is made. */
@Export
@Version("0.2.0")
@NullMarked
package io.hako.api.host;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
