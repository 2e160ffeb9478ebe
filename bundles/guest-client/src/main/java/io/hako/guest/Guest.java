// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import io.hako.api.types.Call;
import io.hako.api.types.GuestPath;
import io.hako.api.types.OwnerId;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * One connection to a guest's agent (hako.agent.v1.Agent).
 *
 * <p>Any thread may call, any number at a time; calls block. A {@code key} makes a repeated call
 * the same call: the agent remembers the results of the last 256. All methods fail with {@link
 * io.hako.api.types.DriverException}: UNAVAILABLE once the connection is lost, INTERNAL if the
 * agent's answer is not one that an agent gives, else as the agent said.
 */
@ProviderType
public interface Guest extends AutoCloseable {
    OwnerId sandbox();

    GuestHello hello();

    /** Once after boot, or after a clone. */
    void setIdentity(GuestIdentity identity, Call call);

    /** Brings the guest's network to what is described; repeating it changes nothing. */
    void configureNetwork(GuestNetwork network, Call call);

    /**
     * Mounts in the guest's own tree; succeeds if the same is mounted there.
     *
     * @param type virtiofs, overlay, tmpfs, 9p, ext4, erofs, bind
     * @param source tag, device or path, as the type wants it
     * @param options as for mount(8)
     */
    void mount(
            String key,
            String type,
            String source,
            GuestPath target,
            List<String> options,
            Call call);

    /** Succeeds if nothing is mounted there. */
    void unmount(String key, GuestPath target, Call call);

    /** Gives the containers of a pod what they share; repeating it changes nothing. */
    PodPlaces preparePod(String key, PodNeeds needs, Call call);

    /**
     * Makes a container; its process waits for {@link #startContainer}.
     *
     * @param spec OCI runtime-spec config.json, with paths of the guest
     * @return the pid of its process in the guest
     */
    int createContainer(
            String key,
            String container,
            String spec,
            GuestPath rootfs,
            GuestStdio stdio,
            Call call);

    /**
     * NOT_FOUND "Command not found: ..." or FAILED_PRECONDITION "Command cannot be executed: ..."
     * if it cannot run.
     */
    void startContainer(String key, String container, Call call);

    /**
     * Runs a further process in a running container.
     *
     * @param process OCI runtime-spec {@code process} object, JSON
     * @return its pid in the guest
     */
    int exec(String key, GuestProcessId id, String process, GuestStdio stdio, Call call);

    /**
     * Runs a program in the guest itself, beside the containers; from then on it is the process
     * {@code exec} of {@link GuestProcessId#ofGuest}. UNSUPPORTED by an agent older than this.
     *
     * @param program a static executable, at most 3 MiB
     * @param arguments from argv[0] on
     * @param environment K=V
     * @return its pid in the guest
     */
    int debug(
            String key,
            String exec,
            byte[] program,
            List<String> arguments,
            List<String> environment,
            GuestStdio stdio,
            Call call);

    /**
     * @param signal the Linux number
     * @param all every process of the container, not the named one alone
     */
    void signal(String key, GuestProcessId process, int signal, boolean all, Call call);

    /** Returns when the process has ended and what it wrote has been handed to its streams. */
    GuestExit await(GuestProcessId process, Call call);

    void resizeTerminal(GuestProcessId process, int rows, int columns, Call call);

    /** Forgets a stopped container, or a stopped further process. NOT_FOUND if there is none. */
    GuestExit delete(String key, GuestProcessId process, Call call);

    void pause(String container, Call call);

    void resume(String container, Call call);

    /**
     * Changes a container's limits, or nothing if one of them is refused.
     *
     * @param resources OCI runtime-spec LinuxResources, JSON; what it does not name stays
     */
    void update(String key, String container, String resources, Call call);

    /** Returns once so many CPUs of the machine are in use. */
    void useCpus(int count, Call call);

    /** All processes of all containers that have not been deleted. */
    List<GuestProcess> list(Call call);

    /**
     * @param containers those to tell of; empty: all
     */
    GuestFigures stats(List<String> containers, Call call);

    /** Stops all containers, syncs, and powers the machine off. */
    void powerOff(String key, String reason, Call call);

    /** Whether the connection is up. */
    boolean isOpen();

    /** Ends the connection; the guest runs on. Idempotent. */
    @Override
    void close();
}
