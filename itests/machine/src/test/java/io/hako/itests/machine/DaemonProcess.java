// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What hakod itself holds, as the kernel counts it; memory in bytes. */
record DaemonProcess(long descriptors, long threads, long resident) {

    static DaemonProcess of(long pid) {
        return new DaemonProcess(entries(pid, "fd"), entries(pid, "task"), resident(pid));
    }

    private static long entries(long pid, String folder) {
        try (Stream<Path> all = Files.list(Path.of("/proc", Long.toString(pid), folder))) {
            return all.count();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** VmRSS (proc(5)). */
    private static long resident(long pid) {
        try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(pid), "status"))) {
            String line = lines.filter(l -> l.startsWith("VmRSS:")).findFirst().orElseThrow();
            return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
