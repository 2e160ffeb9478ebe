// SPDX-License-Identifier: Apache-2.0
/**
 * The shims of this node as Java: one per sandbox, each the parent of its processes and the keeper
 * of its mounts and files.
 */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.host.shim;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
