// SPDX-License-Identifier: Apache-2.0
/**
 * System calls that Java has no word for, by JNA, on platform threads only: a native call pins a
 * virtual thread's carrier.
 */
@NullMarked
package io.hako.host.linux;

import org.jspecify.annotations.NullMarked;
