// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost;

import io.hako.api.types.OwnerId;
import io.hako.state.SandboxJournal;
import java.nio.file.Path;

/**
 * Where a sandbox is.
 *
 * @param journal that its effects and handles are written to
 * @param directory of the pod, absolute; a handle's workspace is {@code drivers/SLOT} below it
 * @param cgroup as it was given to the shim; empty: the shim's own
 */
public record SandboxSite(SandboxJournal journal, Path directory, String cgroup) {
    public OwnerId owner() {
        return journal.owner();
    }
}
