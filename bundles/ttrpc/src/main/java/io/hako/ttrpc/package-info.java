// SPDX-License-Identifier: Apache-2.0
/**
 * ttrpc (containerd/ttrpc PROTOCOL.md): unary calls over any channel of frames, as client and as
 * server.
 *
 * <p>All input and output is on virtual threads that own their channel; callers wait on conditions,
 * so that a caller which is interrupted or cancelled never closes a channel that others share.
 */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.ttrpc;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
