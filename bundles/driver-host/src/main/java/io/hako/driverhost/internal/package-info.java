// SPDX-License-Identifier: Apache-2.0
@NullMarked
package io.hako.driverhost.internal;

import org.jspecify.annotations.NullMarked;
