// SPDX-License-Identifier: Apache-2.0
package io.hako.api.driver;

import io.hako.api.types.Call;
import io.hako.api.types.ExitStatus;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A process that the shim started and watches for the sandbox: it outlives driver and daemon. Any
 * thread may use it, also while a call on the handle runs.
 */
@ProviderType
public interface SupervisedProcess {
    /** As in the {@link ProcessSpec}. */
    String role();

    /** Its process id on the host; of a process that ended, what it was. */
    long pid();

    /**
     * How it ended; absent while it runs. The shim reaped it itself, so this is exact, also after a
     * daemon restart.
     */
    Optional<ExitStatus> exit();

    /**
     * Waits until it has ended.
     *
     * @throws io.hako.api.types.DriverException DEADLINE_EXCEEDED or CANCELLED if it lives still
     *     when the call's time is over
     */
    ExitStatus awaitExit(Call call);

    /**
     * Sends it a signal. Succeeds if it has ended already.
     *
     * @param signal the Linux number, 1 to 64
     */
    void kill(int signal);

    /**
     * The newest of what it wrote to standard output and error, as many bytes as its spec said are
     * kept. Also of a process that has ended.
     */
    byte[] output();
}
