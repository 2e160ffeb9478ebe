// SPDX-License-Identifier: Apache-2.0
/**
 * What an operator asks of hakod: all of it by the hako command's socket; list, ps, inspect, swap,
 * why, doctor and version by the Felix shell too.
 */
@NullMarked
package io.hako.control;

import org.jspecify.annotations.NullMarked;
