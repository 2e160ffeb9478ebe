// SPDX-License-Identifier: Apache-2.0
package io.hako.launcher;

import java.nio.file.Path;

/**
 * A bundle to install.
 *
 * @param location OSGi location, unique in the framework
 * @param startLevel framework start level at which it starts
 * @param required whether hakod is of no use without it; a plugin is not
 */
record BundleFile(Path jar, String location, int startLevel, boolean required) {}
