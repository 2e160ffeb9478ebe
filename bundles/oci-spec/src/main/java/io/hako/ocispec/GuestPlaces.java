// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import io.hako.api.types.GuestPath;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Where the guest has what a container's config.json names by paths of the host.
 *
 * @param container id, names the guest's cgroup
 * @param rootfs the root file system
 * @param hostPaths each of the spec's mounts of a host path
 * @param files that the container is to see where the spec itself mounts nothing, by where they
 *     appear in the container, absolute
 * @param processes the process namespace that the pod's containers share; there where {@link
 *     OciSpec#sharesProcesses}
 */
public record GuestPlaces(
        String container,
        GuestPath rootfs,
        Function<OciMount.HostPath, GuestPath> hostPaths,
        Map<String, GuestPath> files,
        Optional<GuestPath> processes) {
    public GuestPlaces {
        files = Map.copyOf(files);
    }
}
