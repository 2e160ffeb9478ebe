// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import io.hako.api.types.Names;
import io.hako.api.types.OwnerId;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a shim says of itself as it connects (hako.shim.v1.Hello).
 *
 * @param namespace containerd's, or "hako"
 * @param sandboxId unique within the namespace
 * @param bundle the sandbox container's OCI bundle
 * @param pid of the shim's process
 * @param instance random, one for the life of the shim's process
 * @param mountNamespace inode of the mount namespace that the shim mounts in
 * @param version of the shim's program
 * @param podDirectory the sandbox's own directory
 * @param eventsAddress where containerd takes events; absent under the hako CLI
 */
public record ShimIdentity(
        String namespace,
        String sandboxId,
        Path bundle,
        int pid,
        String instance,
        long mountNamespace,
        String version,
        Path podDirectory,
        Optional<String> eventsAddress) {
    private static final int LONGEST_ID = 76;

    public ShimIdentity {
        Names.name("A namespace", namespace, LONGEST_ID);
        Names.name("The id of a sandbox", sandboxId, LONGEST_ID);
        Names.absolute("The path of a bundle", bundle);
        Names.within("The pid of a shim", pid, 1, Integer.MAX_VALUE);
        Names.name("The instance of a shim", instance, LONGEST_ID);
        Names.absolute("The path of a pod's directory", podDirectory);
    }

    /** The sandbox on this node. */
    public OwnerId owner() {
        return new OwnerId(namespace, sandboxId);
    }
}
