// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import org.osgi.annotation.versioning.ProviderType;

/** How a process ended, as waitid(2) tells it to the shim, its parent. */
@ProviderType
public sealed interface ExitStatus {
    /**
     * @param code what it passed to exit, 0 to 255
     */
    record Exited(int code) implements ExitStatus {
        public Exited {
            Names.within("An exit code", code, 0, 255);
        }
    }

    /**
     * @param signal the Linux number of the signal that ended it, 1 to 64
     */
    record Signalled(int signal) implements ExitStatus {
        public Signalled {
            Names.within("A signal", signal, 1, 64);
        }
    }
}
