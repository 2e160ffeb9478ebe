// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.MemorySize;
import java.util.Optional;

/**
 * What {@code linux.resources} says that decides a machine's size. No limit is an absent one.
 *
 * @param memory {@code memory.limit}
 * @param cpus {@code cpu.quota} over {@code cpu.period}, rounded up to whole CPUs
 */
public record OciResources(Optional<MemorySize> memory, Optional<CpuCount> cpus) {
    /**
     * The kernel's period where none is given, in microseconds (Linux
     * Documentation/scheduler/sched-bwc.rst).
     */
    private static final long DEFAULT_PERIOD = 100_000;

    static OciResources of(JsonNode resources) {
        return new OciResources(
                memory(resources.get("memory").get("limit")), cpus(resources.get("cpu")));
    }

    /** Reads an OCI LinuxResources object, as an Update brings it. */
    public static OciResources parse(String json) {
        return of(JsonNode.parse("The update's resources", json));
    }

    private static Optional<MemorySize> memory(JsonNode limit) {
        return limit.wholeNumber()
                .filter(bytes -> bytes > 0)
                .map(MemorySize::new); // -1 and 0: no limit
    }

    private static Optional<CpuCount> cpus(JsonNode cpu) {
        long quota = cpu.get("quota").wholeNumber().orElse(0L);
        long period = cpu.get("period").wholeNumber().filter(p -> p != 0).orElse(DEFAULT_PERIOD);
        if (period < 0) {
            cpu.get("period").fail("a positive number of microseconds");
        }
        if (quota <= 0) {
            return Optional.empty();
        }
        long whole = Math.ceilDiv(quota, period);
        if (whole > CpuCount.MOST) {
            throw DriverException.invalid(
                    "%s: %s asks for %d CPUs, but a machine has at most %d."
                            .formatted(cpu.document(), cpu.path(), whole, CpuCount.MOST));
        }
        return Optional.of(new CpuCount((int) whole));
    }
}
