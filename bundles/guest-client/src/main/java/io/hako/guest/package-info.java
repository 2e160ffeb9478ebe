// SPDX-License-Identifier: Apache-2.0
/**
 * The agent in a virtual machine, as Java. The guest is hostile: what it answers is bounded and
 * checked here, once.
 */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.guest;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
