// SPDX-License-Identifier: Apache-2.0
/**
 * What the daemon does to the machine itself, without a shim: connections, network interfaces,
 * figures of processes.
 */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.host;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
