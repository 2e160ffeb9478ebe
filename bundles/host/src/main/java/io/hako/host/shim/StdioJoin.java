// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import io.hako.api.types.MemorySize;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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

    /**
     * @param file appended to as it comes; made if missing, with its directories
     */
    public record ToFile(long token, Path file) implements Output {}

    public record ToLogger(long token, Logger logger) implements Output {}

    /**
     * A program that is given the outputs on its descriptors 3 and 4, and closes 5 or writes to it
     * when it is ready (containerd core/runtime/v2/logging). Both outputs may go to the same, which
     * is started once.
     *
     * @param environment the whole of it
     * @param readyLimit after which the join fails; whole milliseconds
     */
    public record Logger(
            Path program,
            List<String> arguments,
            Map<String, String> environment,
            Duration readyLimit) {
        public Logger {
            arguments = List.copyOf(arguments);
            environment = Map.copyOf(environment);
        }
    }
}
