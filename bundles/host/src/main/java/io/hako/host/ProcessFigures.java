// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What a process takes of the host.
 *
 * @param pss bytes, its share of shared pages counted by how many share them (Pss of
 *     /proc/PID/smaps_rollup, proc(5))
 * @param anonymous bytes that no file backs (Anonymous there)
 * @param cpu user and system time of all its threads (fields 14 and 15 of /proc/PID/stat)
 */
public record ProcessFigures(long pss, long anonymous, Duration cpu) {
    // USER_HZ: fixed to 100 for user space on every architecture that hako runs on (time(7)).
    private static final long TICKS_PER_SECOND = 100;
    private static final int USER_TICKS_AFTER_NAME = 11;

    static ProcessFigures read(Path proc, long pid) {
        Path directory = proc.resolve(Long.toString(pid));
        try {
            List<String> rollup = Files.readAllLines(directory.resolve("smaps_rollup"));
            return new ProcessFigures(
                    kibibytes(rollup, "Pss:") << 10,
                    kibibytes(rollup, "Anonymous:") << 10,
                    cpu(Files.readString(directory.resolve("stat"))));
        } catch (IOException e) {
            // Also what a read gives when the process ends in between (ESRCH).
            throw new DriverException(
                    FailureKind.NOT_FOUND,
                    "The figures of process %d cannot be read: it has ended.".formatted(pid),
                    e);
        }
    }

    private static long kibibytes(List<String> rollup, String field) {
        return rollup.stream()
                .filter(line -> line.startsWith(field))
                .map(line -> line.substring(field.length()).replace("kB", "").strip())
                .mapToLong(Long::parseLong)
                .findFirst()
                .orElse(0);
    }

    private static Duration cpu(String stat) {
        // The name stands in parentheses and may itself hold spaces and parentheses.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        long ticks =
                Long.parseLong(fields[USER_TICKS_AFTER_NAME])
                        + Long.parseLong(fields[USER_TICKS_AFTER_NAME + 1]);
        return Duration.ofMillis(ticks * (1000 / TICKS_PER_SECOND));
    }
}
