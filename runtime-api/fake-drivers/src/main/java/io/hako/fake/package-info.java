// SPDX-License-Identifier: Apache-2.0
/**
 * In-memory drivers that keep every promise of the runtime API, for tests of everything around
 * them.
 */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.fake;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
