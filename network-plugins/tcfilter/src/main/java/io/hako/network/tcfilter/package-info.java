// SPDX-License-Identifier: Apache-2.0
/**
 * A pod's interface in its virtual machine: a tap beside the veth, and every frame redirected
 * between the two.
 */
@NullMarked
package io.hako.network.tcfilter;

import org.jspecify.annotations.NullMarked;
