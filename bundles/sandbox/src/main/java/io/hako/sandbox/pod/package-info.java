// SPDX-License-Identifier: Apache-2.0
/** How one pod is planned, started, watched, ended, and taken up again. */
@NullMarked
package io.hako.sandbox.pod;

import org.jspecify.annotations.NullMarked;
