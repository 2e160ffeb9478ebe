// SPDX-License-Identifier: Apache-2.0
/**
 * Where shims connect: containerd's Task API comes in here, and hakod's questions to the shims go
 * out.
 */
@NullMarked
package io.hako.shim;

import org.jspecify.annotations.NullMarked;
