// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.DriverException;
import io.hako.api.types.MemorySize;
import io.hako.guest.GuestStdio;
import io.hako.host.shim.StdioId;
import io.hako.host.shim.StdioJoin;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.StdioPaths;
import io.hako.state.Entry;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Optional;

/**
 * A process's streams: paths of the host on one side, tokens for the guest's data port on the
 * other.
 */
final class Stdio {
    private static final String FILE = "file://";

    private Stdio() {}

    /** The process with a token for each stream that has a path. */
    static Entry.Process announced(
            ProcessId id, StdioPaths paths, String spec, SecureRandom random) {
        return new Entry.Process(
                id.container(),
                id.exec(),
                paths.terminal(),
                checked("standard input", paths.stdin(), false),
                checked("standard output", paths.stdout(), true),
                paths.terminal() ? "" : checked("standard error", paths.stderr(), true),
                token(paths.stdin(), random),
                token(paths.stdout(), random),
                paths.terminal() ? 0 : token(paths.stderr(), random),
                spec);
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

    static StdioJoin join(Entry.Process process, MemorySize logBound) {
        return new StdioJoin(
                id(process),
                process.terminal(),
                process.stdinToken() == 0
                        ? Optional.empty()
                        : Optional.of(
                                new StdioJoin.Input(
                                        Path.of(process.stdin()), process.stdinToken())),
                output(process.stdout(), process.stdoutToken(), logBound),
                output(process.stderr(), process.stderrToken(), logBound));
    }

    static StdioId id(Entry.Process process) {
        return new StdioId(process.container(), process.exec());
    }

    static StdioPaths paths(Entry.Process process) {
        return new StdioPaths(
                process.terminal(), process.stdin(), process.stdout(), process.stderr());
    }

    private static Optional<StdioJoin.Output> output(String path, long token, MemorySize logBound) {
        if (token == 0) {
            return Optional.empty();
        }
        return Optional.of(
                path.startsWith(FILE)
                        ? new StdioJoin.ToLog(
                                token, Path.of(path.substring(FILE.length())), logBound)
                        : new StdioJoin.ToFifo(token, Path.of(path)));
    }

    private static String checked(String what, String path, boolean logs) {
        String file = logs && path.startsWith(FILE) ? path.substring(FILE.length()) : path;
        if (!path.isEmpty() && !file.startsWith("/")) {
            throw DriverException.unsupported(
                    "The %s cannot go to \"%s\": it is an absolute path of a fifo%s."
                            .formatted(
                                    what,
                                    path,
                                    logs ? ", or file:// and an absolute path of a log" : ""));
        }
        return path;
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
