// SPDX-License-Identifier: Apache-2.0
/**
 * What storage and network produce and a hypervisor attaches: the only words that drivers share.
 */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.api.device;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
