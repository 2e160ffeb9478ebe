// SPDX-License-Identifier: Apache-2.0
/**
 * A machine in memory: processes, links, mounts and kept files that outlive drivers, as the shim's
 * do.
 */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.fake.node;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
