// SPDX-License-Identifier: Apache-2.0
/** What all drivers have in common: their shape, their handles, and what the daemon gives them. */
@Export
@Version("0.2.0")
@NullMarked
package io.hako.api.driver;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
