// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

import io.hako.api.types.Call;
import io.hako.api.types.OwnerId;
import io.hako.guest.CgroupFigures;
import io.hako.host.shim.Subscription;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The pods of this node: the verbs of containerd's Task API (shim v2) as Java methods.
 *
 * <p>A sandbox is one virtual machine and belongs to one shim; its first container has the
 * sandbox's id. If that is a sandbox container by the annotations of Kubernetes' runtimes, it is
 * the machine itself: its process and root file system are not used, and signals that would end the
 * process end the machine. Else it is one like others, and the machine ends with the last of them.
 * Every container's task pid is the virtual machine monitor's pid.
 *
 * <p>Verbs that take a {@link RequestKey} change something. They are journalled before their side
 * effect and, when the same key comes again (the shim re-sends what was not answered), answered
 * from what is recorded; a repeat that arrives while the first is still at work waits for that
 * one's answer. The other verbs can be repeated at will.
 *
 * <p>All methods block, may be called from any number of virtual threads, and fail with {@link
 * io.hako.api.types.DriverException} alone: its kind is the ttrpc status, its sentence the status
 * message. {@link #kill}, {@link #state}, {@link #list} never wait for another verb of the same
 * sandbox.
 */
@ProviderType
public interface Sandboxes {
    /**
     * Makes a container, and for a sandbox's first one the virtual machine; returns the task's pid.
     */
    int create(RequestKey key, CreateTask task, Call call);

    /**
     * Starts the process of a created container or of a prepared exec; returns its pid.
     * FAILED_PRECONDITION if it ran already.
     */
    int start(RequestKey key, ProcessId process, Call call);

    /**
     * Prepares a further process in a container; it runs from {@link #start} on. ALREADY_EXISTS if
     * the exec id is taken.
     */
    void exec(RequestKey key, ExecTask task, Call call);

    /**
     * Sends a Linux signal; with {@code all} to every process of the container. NOT_FOUND if the
     * process has ended.
     */
    void kill(RequestKey key, ProcessId process, int signal, boolean all, Call call);

    /** Forgets a stopped process and what was kept for it; FAILED_PRECONDITION while it runs. */
    ProcessExit delete(RequestKey key, ProcessId process, Call call);

    /**
     * Changes a container's limits. UNSUPPORTED, with limit and value, if its machine is too small.
     *
     * @param resources OCI runtime-spec LinuxResources, JSON; what it does not name stays
     */
    void update(RequestKey key, String container, String resources, Call call);

    /** Returns once the process has ended and what it wrote has been delivered. */
    ProcessExit await(OwnerId sandbox, ProcessId process, Call call);

    /** As journalled; of a sandbox that is being taken up again, after at most one second. */
    ProcessState state(OwnerId sandbox, ProcessId process);

    /**
     * The container's processes that have been asked for and live, each by the pid by which a host
     * sees it: the monitor's, since a guest's pids mean nothing there.
     */
    List<TaskPid> pids(OwnerId sandbox, String container);

    void pause(OwnerId sandbox, String container, Call call);

    void resume(OwnerId sandbox, String container, Call call);

    void resizePty(OwnerId sandbox, ProcessId process, int columns, int rows, Call call);

    /** Ends the process's standard input once what was written before has been delivered. */
    void closeIo(OwnerId sandbox, ProcessId process, Call call);

    CgroupFigures stats(OwnerId sandbox, String container, Call call);

    Connection connect(OwnerId sandbox, String container);

    /**
     * Ends the sandbox when no container is left in it; with containers left it does nothing
     * (containerd sends it per container).
     *
     * @return what the caller does once its answer has been handed to the shim: asks the shim to
     *     quit. Empty: nothing to do.
     */
    Optional<Runnable> shutdown(RequestKey key, boolean now, Call call);

    /** All processes of a sandbox that have not been deleted, containers' first ones included. */
    List<ProcessId> processes(OwnerId sandbox);

    /**
     * Tells what happens to processes of all sandboxes from now on, and first what has not been
     * {@link #told}, also by an earlier daemon.
     *
     * @param receiver called in the order of a sandbox's events, under a lock: must return at once
     */
    Subscription follow(Consumer<TaskEvent> receiver);

    /** This event and those before it of the same sandbox need not be told again. */
    void told(TaskEvent event);

    /** All sandboxes, without waiting for any: what the journal and the last reports say. */
    List<SandboxView> list();

    /**
     * The sandbox whose id, unique prefix of an id, or name this is. NOT_FOUND; FAILED_PRECONDITION
     * if several begin so.
     */
    SandboxView find(String idPrefixOrName);

    /**
     * Everything known of a sandbox, as one JSON object for people and scripts; its fields are only
     * ever added to.
     */
    String inspect(String idPrefixOrName);

    /**
     * Runs the node's debug program ({@code [debug] program}) in a sandbox's guest, beside its
     * containers: as root of the guest, in the guest's own namespaces. It is logged and told as an
     * event, with its user; nothing of it is journalled.
     */
    DebugSession debug(DebugTask task, Call call);

    /** What a sandbox costs at this moment, and what its start took. */
    Overhead overhead(String idPrefixOrName, Call call);
}
