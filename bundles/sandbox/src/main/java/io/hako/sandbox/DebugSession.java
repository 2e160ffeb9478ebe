// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

import io.hako.api.types.Call;
import org.osgi.annotation.versioning.ProviderType;

/**
 * An operator's program in a guest. It ends with whoever awaits it, with its pod, and with the
 * daemon, and leaves nothing. Thread-safe; methods fail with {@link
 * io.hako.api.types.DriverException}.
 */
@ProviderType
public interface DebugSession {
    /**
     * Returns the exit status once the program has ended and what it wrote is delivered. A call
     * that is given up ends the program. So does the absence of one in the first ten seconds.
     */
    int await(Call call);

    /** Whether it has ended, awaited or not. */
    boolean isOver();

    void resize(int rows, int columns, Call call);

    /** Ends its standard input once what was written before has been delivered. */
    void closeInput(Call call);

    /**
     * @param signal the Linux number
     */
    void signal(int signal, Call call);
}
