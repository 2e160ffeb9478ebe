// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.host.Links;
import io.hako.api.host.Mounts;
import io.hako.api.host.UnixStream;
import io.hako.api.types.Call;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.shim.Shim;
import java.nio.file.Path;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The parts of {@link io.hako.api.host.Host}, without a journal: driver-host puts that before them.
 * Thread-safe.
 */
@ProviderType
public interface Machine {
    /**
     * As {@link io.hako.api.host.Host#connect}.
     *
     * @param shim whose kept files can be sent along
     */
    UnixStream connect(Path socket, Shim shim, Call call);

    /** The network interfaces in one namespace, by netlink. */
    Links links(NetworkNamespace network);

    /** Veth pairs, addresses, routes and neighbours of one namespace, by netlink. */
    NetworkEditor network(NetworkNamespace network);

    /**
     * Tells of every later change of the links, addresses, routes and neighbours of a namespace, by
     * a netlink socket that was opened in it. What changed is not told: whoever needs to know reads
     * the {@link #network}. So nothing is lost where the kernel had more to tell than the socket
     * holds.
     *
     * @param changed called on a thread that all watches share, so it does not wait; several
     *     changes may be told as one
     * @throws io.hako.api.types.DriverException NOT_FOUND if there is no such namespace
     */
    NetworkWatch watch(NetworkNamespace network, Runnable changed, Call call);

    /**
     * Makes a network namespace with its loopback up, and has a shim bind it to a file; succeeds if
     * one is bound there. Unmounting the file takes the namespace away, once no process is in it.
     *
     * @param file below the pod's directory
     */
    NetworkNamespace createNetwork(Shim shim, Path file, Call call);

    /** Mounts by way of a sandbox's shim. */
    Mounts mounts(Shim shim);

    /**
     * What a process of this host takes.
     *
     * @throws io.hako.api.types.DriverException NOT_FOUND if there is no such process
     */
    ProcessFigures figures(long pid);

    /**
     * Takes away what a sandbox whose shim is dead left here: kills what is in its cgroup and
     * removes that in every hierarchy, unmounts all at or below the pod's directory, and deletes
     * that. Repeating it changes nothing.
     *
     * @param cgroup as it was given to {@link Shim#prepareCgroup}
     * @throws io.hako.api.types.DriverException UNAVAILABLE if something cannot be removed; nothing
     *     that is mounted is deleted
     */
    void sweep(Path podDirectory, Optional<String> cgroup, Call call);
}
