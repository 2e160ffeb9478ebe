// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.MemorySize;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Table {@code [guest]}: what every virtual machine boots, and how large it is.
 *
 * @param kernelParameters words for the end of the kernel command line, parted by blanks
 * @param memory for the containers of a pod that sets no limit
 * @param memoryCeiling what the containers of a running pod may come to have together, if they are
 *     given more than it started with
 * @param memoryOverhead what guest kernel, agent and page tables need on top of the containers'
 *     memory
 * @param cpus of a pod that sets no limit
 * @param cpuCeiling likewise, of CPUs
 * @param startLimit from the start of the machine to its agent's hello
 */
public record GuestSettings(
        Path kernel,
        Path initramfs,
        String kernelParameters,
        MemorySize memory,
        MemorySize memoryCeiling,
        MemorySize memoryOverhead,
        CpuCount cpus,
        CpuCount cpuCeiling,
        Duration startLimit) {
    private static final MemorySize LEAST = MemorySize.ofMebibytes(32);
    private static final Duration SHORTEST = Duration.ofSeconds(1);

    public GuestSettings() {
        this(
                Path.of("/usr/share/hako/guest/vmlinux"),
                Path.of("/usr/share/hako/guest/initramfs.cpio"),
                "",
                MemorySize.ofMebibytes(192),
                MemorySize.ofGibibytes(4),
                MemorySize.ofMebibytes(64),
                new CpuCount(1),
                new CpuCount(4),
                Duration.ofSeconds(60));
    }

    public GuestSettings {
        if (memory.compareTo(LEAST) < 0) {
            throw DriverException.invalid(
                    "memory is at least %s, but is %s.".formatted(LEAST, memory));
        }
        if (memoryOverhead.compareTo(LEAST) < 0) {
            throw DriverException.invalid(
                    "memory_overhead is at least %s, but is %s.".formatted(LEAST, memoryOverhead));
        }
        if (startLimit.compareTo(SHORTEST) < 0) {
            throw DriverException.invalid(
                    "start_limit is at least 1s, but is %dms.".formatted(startLimit.toMillis()));
        }
    }

    /** {@link #kernelParameters} word by word. */
    public List<String> kernelWords() {
        return kernelParameters.isBlank()
                ? List.of()
                : List.of(kernelParameters.strip().split("\\s+"));
    }
}
