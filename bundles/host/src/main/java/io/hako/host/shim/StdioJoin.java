// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import io.hako.api.types.MemorySize;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Which stream in the guest goes with which file of the host. A token is what the agent was given
 * for the stream (hako.agent.v1.Stdio); with a terminal, stdout carries both outputs.
 */
public record StdioJoin(
        StdioId process,
        boolean terminal,
        Optional<Input> stdin,
        Optional<Output> stdout,
        Optional<Output> stderr) {
    /**
     * @param fifo its write end is held, so that only CloseStdin ends the input
     */
    public record Input(Path fifo, long token) {}

    public sealed interface Output {
        long token();
    }

    /**
     * @param fifo opened for reading and writing, so that a restart of its reader loses nothing
     */
    public record ToFifo(long token, Path fifo) implements Output {}

    /**
     * Lines in the CRI log format (kubernetes KEP "CRI log format").
     *
     * @param bound size at which the file is renamed to FILE.1 and begun anew
     */
    public record ToLog(long token, Path file, MemorySize bound) implements Output {}
}
