// SPDX-License-Identifier: Apache-2.0
/**
 * What happened on this node, for people and their tools. Nothing that a pod needs passes through
 * here: the journals are the record, and a line that is lost here harms nobody.
 */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.observability;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
