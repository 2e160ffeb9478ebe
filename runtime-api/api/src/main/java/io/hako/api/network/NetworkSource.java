// SPDX-License-Identifier: Apache-2.0
package io.hako.api.network;

import io.hako.api.types.MacAddress;
import io.hako.api.types.Names;
import io.hako.api.types.NetworkNamespace;
import java.nio.file.Path;
import org.osgi.annotation.versioning.ProviderType;

/**
 * An interface that a pod was given.
 *
 * <p>A later minor version of this API may add variants: a switch over sources in a plugin has a
 * default, which fails with UNSUPPORTED.
 */
@ProviderType
public sealed interface NetworkSource {
    /** The name that it has in the guest, at most 15 characters. */
    String name();

    MacAddress mac();

    LinkKind kind();

    /**
     * A link in the pod's network namespace, made there by CNI or by hako.
     *
     * @param network the namespace
     * @param name of the link, and of the guest's interface
     * @param kind what link it is
     * @param mac its address, which the guest's interface takes over
     * @param mtu of the link, 68 to 65535 bytes
     */
    record PodLink(NetworkNamespace network, String name, LinkKind kind, MacAddress mac, int mtu)
            implements NetworkSource {
        public PodLink {
            Names.text("The name of an interface", name, 15);
            Names.within("The MTU of interface " + name, mtu, 68, 65_535);
        }
    }

    /**
     * A tap that the network's own plugin made for a virtual machine (a directly attachable
     * network).
     *
     * @param network the namespace that the tap is in
     * @param name of the guest's interface
     * @param tap its name
     * @param queues queue pairs that it was made with, 1 to 256
     */
    record DirectTap(
            NetworkNamespace network, String name, MacAddress mac, int mtu, String tap, int queues)
            implements NetworkSource {
        public DirectTap {
            Names.text("The name of an interface", name, 15);
            Names.within("The MTU of interface " + name, mtu, 68, 65_535);
            Names.text("The name of a tap", tap, 15);
            Names.within("The number of queue pairs of tap " + tap, queues, 1, 256);
        }

        @Override
        public LinkKind kind() {
            return LinkKind.DIRECT_TAP;
        }
    }

    /**
     * A port of a user-space switch.
     *
     * @param name of the guest's interface
     * @param socket where the switch listens as a vhost-user backend
     * @param queues queue pairs, 1 to 256
     * @param queueSize descriptors in a queue, a power of two from 64 to 32768
     */
    record DirectVhostUser(
            String name, MacAddress mac, int mtu, Path socket, int queues, int queueSize)
            implements NetworkSource {
        public DirectVhostUser {
            Names.text("The name of an interface", name, 15);
            Names.within("The MTU of interface " + name, mtu, 68, 65_535);
            Names.socket("The socket of interface " + name, socket);
            Names.within("The number of queue pairs of interface " + name, queues, 1, 256);
            Names.powerOfTwo("The queue size of interface " + name, queueSize, 64, 32_768);
        }

        @Override
        public LinkKind kind() {
            return LinkKind.DIRECT_VHOST_USER;
        }
    }
}
