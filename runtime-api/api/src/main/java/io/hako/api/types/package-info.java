// SPDX-License-Identifier: Apache-2.0
/**
 * The words that every other package uses: identities, quantities, descriptors, calls and failures.
 */
@Export
@Version("0.4.0")
@NullMarked
package io.hako.api.types;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
