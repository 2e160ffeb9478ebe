// SPDX-License-Identifier: Apache-2.0
/**
 * What an operator asks of hakod, the same verbs by two doors: the hako command's socket and the
 * Felix shell.
 */
@NullMarked
package io.hako.control;

import org.jspecify.annotations.NullMarked;
