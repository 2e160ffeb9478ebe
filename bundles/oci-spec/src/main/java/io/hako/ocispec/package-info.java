// SPDX-License-Identifier: Apache-2.0
@Export
@Version("0.1.0")
@NullMarked
package io.hako.ocispec;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
