// SPDX-License-Identifier: Apache-2.0
package io.hako.assembly;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * bin/hakod of the assembled tree, run as its own process on directories of the test's; killed on
 * close.
 */
final class RunningDaemon implements AutoCloseable {
    private static final int LIMIT_SECONDS = 60;

    private final Process process;
    private final BufferedReader log;
    private final List<String> lines = new ArrayList<>();

    RunningDaemon(Path home, Path directories) throws IOException {
        this(home, directories, "");
    }

    RunningDaemon(Path home, Path directories, String javaOptions) throws IOException {
        var builder =
                new ProcessBuilder(home.resolve("bin/hakod").toString()).redirectErrorStream(true);
        builder.environment().put("HAKO_RUN_DIR", directories.resolve("run").toString());
        builder.environment().put("HAKO_STATE_DIR", directories.resolve("state").toString());
        builder.environment().put("HAKO_CONFIG", directories.resolve("hako.toml").toString());
        builder.environment().put("HAKO_JAVA_OPTIONS", javaOptions);
        process = builder.start();
        log = process.inputReader();
    }

    /**
     * Reads the log up to the line that holds `text`, and gives it; fails if the log ends before.
     */
    String awaitLine(String text) throws IOException {
        for (var line = log.readLine(); line != null; line = log.readLine()) {
            lines.add(line);
            if (line.contains(text)) {
                return line;
            }
        }
        throw new AssertionError(
                "hakod ended without saying '" + text + "':\n" + String.join("\n", lines));
    }

    /** What was not read yet; the daemon has ended. */
    List<String> restOfLog() {
        return log.lines().toList();
    }

    long pid() {
        return process.pid();
    }

    void kill() {
        process.destroyForcibly().onExit().join();
    }

    /** Sends SIGTERM. */
    void terminate() {
        process.destroy();
    }

    int awaitExit() throws InterruptedException {
        if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
            throw new AssertionError(
                    "hakod still runs after " + LIMIT_SECONDS + " s:\n" + String.join("\n", lines));
        }
        return process.exitValue();
    }

    @Override
    public void close() {
        kill();
    }
}
