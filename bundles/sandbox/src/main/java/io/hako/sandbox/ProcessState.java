// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

import java.nio.file.Path;
import java.util.Optional;

/** containerd's StateResponse. */
public record ProcessState(
        ProcessId id,
        Path bundle,
        int pid,
        Status status,
        StdioPaths stdio,
        Optional<ProcessExit> exit) {
    /** The Task API's states of a process. */
    public enum Status {
        CREATED,
        RUNNING,
        PAUSED,
        STOPPED
    }
}
