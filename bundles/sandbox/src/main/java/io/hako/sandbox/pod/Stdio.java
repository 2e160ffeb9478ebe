// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.DriverException;
import io.hako.guest.GuestStdio;
import io.hako.host.shim.StdioId;
import io.hako.host.shim.StdioJoin;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.StdioPaths;
import io.hako.state.Entry;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A process's streams: paths of the host on one side, tokens for the guest's data port on the
 * other.
 */
final class Stdio {
    /** For a logger to be ready; containerd itself waits for ever. */
    private static final Duration LOGGER_LIMIT = Duration.ofSeconds(10);

    private Stdio() {}

    /**
     * The process with a token for each stream that goes somewhere.
     *
     * @throws DriverException UNSUPPORTED where a stream cannot go where it is to
     */
    static Entry.Process announced(
            ProcessId id, StdioPaths paths, String spec, SecureRandom random) {
        String stderr = paths.terminal() ? "" : stderr(paths);
        check(paths.stdin());
        Stream.of(paths.stdout(), stderr).filter(uri -> !uri.isEmpty()).forEach(OutputUri::parse);
        return new Entry.Process(
                id.container(),
                id.exec(),
                paths.terminal(),
                paths.stdin(),
                paths.stdout(),
                stderr,
                token(paths.stdin(), random),
                token(paths.stdout(), random),
                token(stderr, random),
                spec);
    }

    /**
     * Where containerd is asked for a logger or a file it may name that for standard output alone.
     */
    private static String stderr(StdioPaths paths) {
        return paths.stderr().isEmpty() && OutputUri.isShared(paths.stdout())
                ? paths.stdout()
                : paths.stderr();
    }

    private static void check(String stdin) {
        if (!stdin.isEmpty() && !stdin.startsWith("/")) {
            throw DriverException.unsupported(
                    "The standard input cannot come from \"%s\": it is the absolute path of a fifo."
                            .formatted(stdin));
        }
    }

    static GuestStdio tokens(Entry.Process process, int rows, int columns) {
        return new GuestStdio(
                process.terminal(),
                process.stdinToken(),
                process.stdoutToken(),
                process.stderrToken(),
                rows,
                columns);
    }

    static StdioJoin join(Pod pod, Entry.Process process) {
        return new StdioJoin(
                id(process),
                process.terminal(),
                process.stdinToken() == 0
                        ? Optional.empty()
                        : Optional.of(
                                new StdioJoin.Input(
                                        Path.of(process.stdin()), process.stdinToken())),
                output(pod, process, process.stdout(), process.stdoutToken()),
                output(pod, process, process.stderr(), process.stderrToken()));
    }

    static StdioId id(Entry.Process process) {
        return new StdioId(process.container(), process.exec());
    }

    static StdioPaths paths(Entry.Process process) {
        return new StdioPaths(
                process.terminal(), process.stdin(), process.stdout(), process.stderr());
    }

    private static Optional<StdioJoin.Output> output(
            Pod pod, Entry.Process process, String uri, long token) {
        if (token == 0) {
            return Optional.empty();
        }
        return Optional.of(
                switch (OutputUri.parse(uri)) {
                    case OutputUri.Fifo(Path path) -> new StdioJoin.ToFifo(token, path);
                    case OutputUri.Appended(Path path) -> new StdioJoin.ToFile(token, path);
                    case OutputUri.Log(Path path) ->
                            new StdioJoin.ToLog(token, path, pod.node().settings().logs().bound());
                    case OutputUri.Program(Path path, List<String> arguments) ->
                            new StdioJoin.ToLogger(
                                    token,
                                    new StdioJoin.Logger(
                                            path,
                                            arguments,
                                            environment(pod, process),
                                            LOGGER_LIMIT));
                });
    }

    /** All that a logger is told, as by containerd's own shim: an exec has its own id there. */
    private static Map<String, String> environment(Pod pod, Entry.Process process) {
        return Map.of(
                "CONTAINER_ID",
                process.exec().isEmpty() ? process.container() : process.exec(),
                "CONTAINER_NAMESPACE",
                pod.owner().namespace());
    }

    /** Unguessable, and never 0, which means no stream. */
    private static long token(String path, SecureRandom random) {
        long token = 0;
        while (!path.isEmpty() && token == 0) {
            token = random.nextLong();
        }
        return token;
    }
}
