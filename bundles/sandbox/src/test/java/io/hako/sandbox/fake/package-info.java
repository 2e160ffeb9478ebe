// SPDX-License-Identifier: Apache-2.0
/**
 * A sandbox's outside world in memory: shim, guest and driver-host, which outlive a daemon that is
 * cut off at any point.
 */
@NullMarked
package io.hako.sandbox.fake;

import org.jspecify.annotations.NullMarked;
