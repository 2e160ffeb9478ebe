// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * What this process takes.
 *
 * @param resident bytes; VmRSS of /proc/self/status (proc(5))
 * @param threads of the kernel; Threads there
 * @param heapUsed bytes
 * @param heapCommitted bytes
 */
record DaemonFigures(long resident, long threads, long heapUsed, long heapCommitted, Duration cpu) {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final int KIBIBYTE = 1024;

    static DaemonFigures now() {
        List<String> status = status();
        Runtime java = Runtime.getRuntime();
        return new DaemonFigures(
                value(status, "VmRSS:") * KIBIBYTE,
                value(status, "Threads:"),
                java.totalMemory() - java.freeMemory(),
                java.totalMemory(),
                ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO));
    }

    private static List<String> status() {
        try {
            return Files.readAllLines(STATUS);
        } catch (IOException e) { // a host without /proc runs no pods either
            return List.of();
        }
    }

    private static long value(List<String> status, String name) {
        return status.stream()
                .filter(line -> line.startsWith(name))
                .map(line -> line.substring(name.length()).strip().split(" ")[0])
                .mapToLong(Long::parseLong)
                .findFirst()
                .orElse(0);
    }
}
