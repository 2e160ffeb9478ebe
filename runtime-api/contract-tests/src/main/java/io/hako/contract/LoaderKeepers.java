// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import com.sun.management.HotSpotDiagnosticMXBean;
import com.sun.management.HotSpotDiagnosticMXBean.ThreadDumpFormat;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Who keeps a class loader that should be gone, as far as it can be told from outside. */
final class LoaderKeepers {
    private LoaderKeepers() {}

    /**
     * One sentence for a failed test.
     *
     * @param loader the loader's name, which stands before each frame of its classes
     */
    static String sentence(String loader) {
        String still = "The driver's classes are still loaded after its handle was let go: ";
        List<String> frames = frames(loader + "//");
        return frames.isEmpty()
                ? still
                        + "no thread runs them, so look for a ThreadLocal that was left with a thread, a shutdown hook, or an entry in a static table."
                : still + "threads run " + String.join(", ", frames) + ".";
    }

    /** Of all threads, also of virtual ones that are parked. */
    private static List<String> frames(String prefix) {
        try {
            Path directory = Files.createTempDirectory("hako-kit");
            Path dump = directory.resolve("threads");
            try {
                ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class)
                        .dumpThreads(dump.toString(), ThreadDumpFormat.TEXT_PLAIN);
                try (var lines = Files.lines(dump)) {
                    return lines.map(String::strip)
                            .filter(line -> line.contains(prefix))
                            .map(line -> line.substring(line.indexOf(prefix) + prefix.length()))
                            .toList();
                }
            } finally {
                Files.deleteIfExists(dump);
                Files.delete(directory);
            }
        } catch (IOException e) {
            return List.of("(the threads could not be listed: " + e.getMessage() + ")");
        }
    }
}
