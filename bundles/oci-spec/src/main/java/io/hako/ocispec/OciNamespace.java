// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import java.nio.file.Path;
import java.util.Optional;

/**
 * An entry of {@code linux.namespaces}.
 *
 * @param type as the runtime-spec has it: network, pid, mount, ...
 * @param path an existing namespace of the host to join
 */
public record OciNamespace(String type, Optional<Path> path) {}
