// SPDX-License-Identifier: Apache-2.0
package io.hako.api.hypervisor;

import io.hako.api.types.DriverException;
import io.hako.api.types.Names;
import java.nio.file.Path;
import org.osgi.annotation.versioning.ProviderType;

/**
 * How the agent in a guest is reached. Whatever it is, the daemon sees one unix socket of the shim:
 * it writes {@code CONNECT <port>\n}, reads {@code OK <text>\n}, and then has a byte stream to that
 * port of the guest. What a hypervisor says here is how the shim gets there.
 */
@ProviderType
public sealed interface GuestChannel {
    /**
     * The monitor itself listens and speaks that way: Firecracker and Cloud Hypervisor (firecracker
     * docs/vsock.md).
     *
     * @param socket where it listens
     */
    record HybridVsock(Path socket) implements GuestChannel {
        public HybridVsock {
            Names.socket("The socket of a hybrid vsock", socket);
        }
    }

    /**
     * AF_VSOCK of the host's kernel (vsock(7)).
     *
     * @param contextId of the guest, 3 to 2^32 - 2
     */
    record Vsock(long contextId) implements GuestChannel {
        public Vsock {
            if (contextId < 3 || contextId > 0xFFFF_FFFEL) {
                throw DriverException.invalid(
                        "The context id of a guest is 3 to 4294967294, but is %d."
                                .formatted(contextId));
            }
        }
    }

    /**
     * Two serial ports of the guest, whose other ends the shim holds: the driver passed both {@code
     * PassedFile.GuestPort}s to the monitor, and joined each to a virtio-serial port of that name.
     */
    record SerialSocket() implements GuestChannel {}
}
