// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import java.nio.file.Path;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A descriptor that the shim opens or makes and hands to a process as it starts ({@code
 * ProcessSpec.files}). The process finds the first one at descriptor 3, the next at 4, and so on.
 *
 * <p>Each has a name, unique within the sandbox. The shim keeps listening sockets, memory files and
 * taps under that name for as long as the sandbox lives, so that a process started later is given
 * the same one: a name that is kept already is not made again.
 */
@ProviderType
public sealed interface PassedFile {
    String name();

    /**
     * A unix stream socket on which the shim has called listen(2), so that a client can connect
     * before the process runs.
     *
     * @param path where it is bound, at most 107 bytes; mode 0600
     */
    record ListeningSocket(String name, Path path) implements PassedFile {
        public ListeningSocket {
            new KeptFile(name);
            Names.socket("The path of a socket", path);
        }
    }

    /**
     * A unix stream socket that the shim has connected to one that listens, for a process that may
     * not reach the path itself. Each process gets a connection of its own; the shim keeps none.
     *
     * @param path of the listening socket, below the sandbox's directory, at most 107 bytes
     */
    record ConnectedSocket(String name, Path path) implements PassedFile {
        public ConnectedSocket {
            new KeptFile(name);
            Names.socket("The path of a socket", path);
        }
    }

    /**
     * Anonymous memory, memfd_create(2): kept by the shim, so that the process that maps it can be
     * replaced.
     *
     * @param size larger than zero
     */
    record Memfd(String name, MemorySize size) implements PassedFile {
        public Memfd {
            new KeptFile(name);
            if (size.bytes() == 0) {
                throw DriverException.invalid(
                        "The memory file %s must be larger than 0 bytes.".formatted(name));
            }
        }
    }

    /**
     * A connected unix stream socket that carries one direction of talk with the guest's agent: the
     * monitor joins it to a serial port of the guest, and the shim speaks at the other end ({@code
     * GuestChannel.SerialSocket}).
     */
    record GuestPort(String name, Port port) implements PassedFile {
        public GuestPort {
            new KeptFile(name);
        }

        /** Which port: two, so that a flood of output never delays a call to the agent. */
        public enum Port {
            CONTROL("hako.control"),
            DATA("hako.data");

            private final String guestName;

            Port(String guestName) {
                this.guestName = guestName;
            }

            /**
             * The name by which the agent finds the port: {@code
             * /sys/class/virtio-ports/PORT/name}.
             */
            public String guestName() {
                return guestName;
            }
        }
    }

    /**
     * A file or device of the host, opened by the shim with its rights.
     *
     * @param path absolute
     * @param writable opened for reading and writing; else for reading only
     * @param kept whether the shim keeps it after the process has started
     */
    record OpenedFile(String name, Path path, boolean writable, boolean kept)
            implements PassedFile {
        public OpenedFile {
            new KeptFile(name);
            Names.absolute("The path of a file to open", path);
        }
    }

    /**
     * One queue of a tap interface (Linux Documentation/networking/tuntap.rst), attached with
     * IFF_TAP and IFF_NO_PI.
     *
     * @param link name of the tap, at most 15 characters
     * @param network the namespace that it is in
     * @param offloadHeader IFF_VNET_HDR: each packet has a virtio-net header
     * @param multiQueue IFF_MULTI_QUEUE: the tap has several queues, each passed as a file of its
     *     own
     */
    record TapQueue(
            String name,
            String link,
            NetworkNamespace network,
            boolean offloadHeader,
            boolean multiQueue)
            implements PassedFile {
        public TapQueue {
            new KeptFile(name);
            Names.name("The name of a tap", link, 15);
        }
    }
}
