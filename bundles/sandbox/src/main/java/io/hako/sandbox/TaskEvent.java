// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

import io.hako.api.types.OwnerId;
import java.nio.file.Path;
import java.time.Instant;

/**
 * Something that happened to a process, in the words of containerd's Task API. Those of one process
 * come in the order added, started, exited, deleted.
 *
 * @param instance of the shim that the sandbox began with: another one under the same id is another
 *     sandbox
 * @param number of the sandbox's events; several may share one
 * @param at when hako learnt of it
 */
public record TaskEvent(
        OwnerId sandbox, String instance, long number, Instant at, String container, What what) {
    /** What happened; an {@code exec} is empty for the container's first process. */
    public sealed interface What {}

    public record Created(Path bundle, StdioPaths stdio, int pid) implements What {}

    public record Started(int pid) implements What {}

    public record ExecAdded(String exec) implements What {}

    public record ExecStarted(String exec, int pid) implements What {}

    public record Paused() implements What {}

    public record Resumed() implements What {}

    /** The guest's kernel ended a process of the container for want of memory. */
    public record OutOfMemory() implements What {}

    public record Exited(String exec, ProcessExit exit) implements What {}

    /** The container. */
    public record Deleted(ProcessExit exit) implements What {}
}
