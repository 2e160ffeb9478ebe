// SPDX-License-Identifier: Apache-2.0
/**
 * Starts hakod: takes the run directory, then Felix, then the assembly's bundles and the plugin
 * set.
 */
@NullMarked
package io.hako.launcher;

import org.jspecify.annotations.NullMarked;
