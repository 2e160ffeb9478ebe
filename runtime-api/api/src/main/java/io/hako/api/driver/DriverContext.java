// SPDX-License-Identifier: Apache-2.0
package io.hako.api.driver;

import io.hako.api.host.Host;
import io.hako.api.types.Call;
import io.hako.api.types.Confinement;
import io.hako.api.types.OwnerId;
import java.nio.file.Path;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/**
 * What a driver is given for one handle, and its only way to change anything outside itself.
 *
 * <p>The driver ends its processes and takes away its links and mounts when the handle is
 * destroyed. What is left then, the daemon removes: the workspace, kept files, and what the shim
 * remembers of ended processes.
 *
 * <p>Whatever is made through a context is journalled before it is made. If the daemon dies before
 * the handle's state is journalled, the daemon undoes it from the journal, without the driver. A
 * handle may keep its context until it is released or destroyed; all methods may be called from any
 * thread.
 */
@ProviderType
public interface DriverContext {
    /** The sandbox that the handle belongs to. */
    OwnerId owner();

    /**
     * A directory of the handle's own, mode 0700, on a tmpfs. It exists, is the same when the
     * handle is adopted, and is removed with all its content after {@link Handle#destroy}. Short
     * enough for a socket: see {@code Names.LONGEST_SOCKET_PATH}.
     */
    Path workspace();

    /** What the handle was created with. */
    Settings settings();

    /**
     * A user and group of the host that no one but this sandbox has, without a name, a home or any
     * file: for processes that need no rights. The same for the whole life of the sandbox.
     */
    Confinement.HostUser podUser();

    /** Links, mounts and sockets of the machine. */
    Host host();

    /** The driver's files that belong to no sandbox. */
    NodeStore store();

    /**
     * Has the shim start a process; returns once its program runs. A role that was launched before
     * in this sandbox is not launched again: its process is returned, alive or ended.
     *
     * @throws io.hako.api.types.DriverException NOT_FOUND if the program does not exist; EXHAUSTED
     *     if the machine refuses one more process; UNAVAILABLE if the shim does not answer
     */
    SupervisedProcess launch(ProcessSpec spec, Call call);

    /** The process that was launched under a role in this sandbox, alive or ended. */
    Optional<SupervisedProcess> find(String role);

    /**
     * Has the shim forget an ended process, with its status and output, so that the role is free.
     * Succeeds if there is none.
     *
     * @throws io.hako.api.types.DriverException FAILED_PRECONDITION if the process lives
     */
    void forget(String role);

    /** Tells the daemon what happened. Returns at once and never fails. */
    void report(DriverEvent event);
}
