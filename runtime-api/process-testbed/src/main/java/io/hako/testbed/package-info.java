// SPDX-License-Identifier: Apache-2.0
/**
 * A testbed that launches real processes, for drivers whose monitor or backend is installed where
 * the tests run.
 */
@Export
@Version("0.1.0")
@NullMarked
package io.hako.testbed;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
