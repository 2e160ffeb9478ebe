// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import io.hako.api.driver.ProcessSpec;
import io.hako.api.types.Call;
import io.hako.api.types.NetworkNamespace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.osgi.annotation.versioning.ProviderType;

/**
 * One sandbox's shim, over the link that is up at this moment (hako.shim.v1.Shim). It does what it
 * is asked and decides nothing. Methods that make something succeed if it is made already.
 *
 * <p>Any thread may call; calls block. All fail with {@link io.hako.api.types.DriverException}:
 * UNAVAILABLE once the link is lost (ask {@link Shims} for the next one), else as the shim
 * answered.
 */
@ProviderType
public interface Shim {
    ShimIdentity identity();

    /**
     * Starts a process, or returns the one that has the role already, alive or ended.
     *
     * @throws io.hako.api.types.DriverException NOT_FOUND if the program is not there;
     *     INVALID_REQUEST as the shim finds it
     */
    ShimProcess launch(ProcessSpec spec, Placement placement, Call call);

    /** All processes launched and not forgotten. */
    List<ShimProcess> processes(Call call);

    /** Sends a Linux signal; succeeds if the process has ended. NOT_FOUND for an unknown role. */
    void signal(String role, int signal, Call call);

    /**
     * Forgets an ended process and its output, so that its role is free. FAILED_PRECONDITION while
     * it lives.
     */
    void forget(String role, Call call);

    ProcessOutput output(String role, Call call);

    /** Closes a kept file; succeeds if it is not kept. */
    void release(String file, Call call);

    /** The kept files by name, with the descriptor that each has in the shim's process. */
    Map<String, Integer> kept(Call call);

    /**
     * Mounts as mount(8) would; succeeds if the same is mounted there.
     *
     * @param target below the pod's directory; made if it is missing
     */
    void mount(String type, String source, Path target, List<String> options, Call call);

    /**
     * Unmounts; succeeds if nothing is mounted there.
     *
     * @param remove also the directory or file, if it is empty then
     */
    void unmount(Path target, boolean remove, Call call);

    /** Every mount point at or below a directory, deepest first. */
    List<Path> mounts(Path directory, Call call);

    /**
     * Listens on the loopback of the pod's network namespace, and joins whatever is redirected
     * there to the same port of the guest's loopback. UNSUPPORTED by a shim older than this call.
     *
     * @return the ports of the listeners
     */
    LoopbackPorts forwardLoopback(NetworkNamespace network, Call call);

    /** Listens there no more; succeeds if it does not. What is joined stays so. */
    void stopForwarding(Call call);

    /** Makes the pod's cgroup in every hierarchy, for processes launched later. */
    void prepareCgroup(String path, Call call);

    void removeCgroup(String path, Call call);

    /**
     * Runs a hook to its end; it ends with this link.
     *
     * @throws io.hako.api.types.DriverException FAILED_PRECONDITION with how it ended and what it
     *     said last, unless with 0; DEADLINE_EXCEEDED after its limit; UNSUPPORTED by a shim older
     *     than this call
     */
    void runHook(HookRun hook, Call call);

    /** Joins a process's streams in the guest with files of the host, until {@link #leaveStdio}. */
    void joinStdio(StdioJoin join, Call call);

    /** Ends a process's standard input once what was written before has been delivered. */
    void closeStdin(StdioId process, Call call);

    /**
     * Waits until all that a process wrote is written out.
     *
     * @param idleLimit how long to wait without progress, such as for a reader of a full fifo
     */
    Drained drainStdio(StdioId process, Duration idleLimit, Call call);

    void leaveStdio(StdioId process, Call call);

    /**
     * Hands events on from now, each at least once over the shim's life. What happened before is
     * told by {@link #processes}: ask it after subscribing.
     *
     * @param receiver called on a thread of the link, one event at a time; must return soon
     */
    Subscription subscribe(Consumer<ShimEvent> receiver);

    /**
     * Leaves answers to containerd with the shim, in place of those left before; it gives them
     * while no daemon is linked. UNSUPPORTED by a shim older than this call.
     *
     * @param alive as long as every launched process lives
     * @param dead from the end of the first of them on
     */
    void leaveAnswers(List<ReadyAnswer> alive, List<ReadyAnswer> dead, Call call);

    /** Ends the shim's process. FAILED_PRECONDITION while a launched process lives. */
    void quit(Call call);

    /**
     * Where connections to a loopback are to be sent.
     *
     * @param ipv4 port of 127.0.0.1
     * @param ipv6 port of ::1, where there is one
     */
    record LoopbackPorts(int ipv4, OptionalInt ipv6) {}

    /**
     * Where a process is put. The cgroup is one given to {@link #prepareCgroup}; absent: the shim's
     * own.
     */
    record Placement(Optional<String> cgroup, List<ResourceLimit> limits) {
        public static final Placement SHIMS_OWN = new Placement(Optional.empty(), List.of());

        public Placement {
            limits = List.copyOf(limits);
        }
    }

    /**
     * A limit as setrlimit(2) takes it; {@code resource} is the Linux number, RLIM_INFINITY is -1.
     */
    record ResourceLimit(int resource, long soft, long hard) {}

    /**
     * The answer to a request of the Task API.
     *
     * @param method of the service
     * @param request the very message, encoded
     * @param response the message that answers it, encoded
     * @param exitTimeField number of the Timestamp field that gets the time at which the first
     *     launched process ended; 0: none
     */
    record ReadyAnswer(String method, byte[] request, byte[] response, int exitTimeField) {}

    /**
     * The newest of a process's standard output and error.
     *
     * @param dropped older bytes that are gone
     */
    record ProcessOutput(byte[] newest, long dropped) {}

    /**
     * @param complete false if the idle limit passed first
     * @param undelivered bytes that were not written out then
     */
    record Drained(boolean complete, long undelivered) {}
}
