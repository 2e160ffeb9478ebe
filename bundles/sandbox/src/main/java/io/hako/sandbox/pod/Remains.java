// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.host.ProcessFigures;
import java.nio.file.Path;
import java.util.Optional;

/** The host, where a sandbox's shim cannot be asked. */
interface Remains {
    /** Whether the shim of this pod still listens. */
    boolean shimLives(Path podDirectory);

    /**
     * Takes away what a dead shim has left: mounts below the pod's directory, the directory, the
     * cgroup. Idempotent.
     */
    void sweep(Path podDirectory, Optional<String> cgroup, Call call);

    /**
     * @throws io.hako.api.types.DriverException NOT_FOUND if there is no such process
     */
    ProcessFigures figures(long pid);
}
