// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import com.google.gson.JsonObject;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.MemorySize;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Optional;

/**
 * What {@code linux.resources} says that decides a machine's size. No limit is an absent one.
 *
 * @param memory {@code memory.limit}
 * @param milliCpus {@code cpu.quota} over {@code cpu.period} in thousandths of a CPU, rounded up; 0
 *     without a limit
 */
public record OciResources(Optional<MemorySize> memory, int milliCpus) {
    private static final int MILLI = 1000;

    /**
     * The kernel's period where none is given, in microseconds (Linux
     * Documentation/scheduler/sched-bwc.rst).
     */
    private static final long DEFAULT_PERIOD = 100_000;

    /** No limits. */
    static final OciResources NONE = new OciResources(Optional.empty(), 0);

    static OciResources of(JsonNode resources) {
        JsonNode cpu = resources.get("cpu");
        long period = cpu.get("period").wholeNumber().orElse(0L);
        if (period < 0) {
            cpu.get("period").fail("a positive number of microseconds");
        }
        return of(
                "%s: %s".formatted(cpu.document(), cpu.path()),
                resources.get("memory").get("limit").wholeNumber().orElse(0L),
                cpu.get("quota").wholeNumber().orElse(0L),
                period);
    }

    /**
     * @param where the CPU time stands, for sentences
     * @param memory bytes; -1 and 0: no limit
     * @param quota microseconds of CPU time for each period; -1 and 0: no limit
     * @param period microseconds; 0: the kernel's
     */
    static OciResources of(String where, long memory, long quota, long period) {
        return new OciResources(
                Optional.of(memory).filter(bytes -> bytes > 0).map(MemorySize::new),
                milliCpus(where, quota, period > 0 ? period : DEFAULT_PERIOD));
    }

    /** As many whole CPUs as the limit needs. */
    public Optional<CpuCount> cpus() {
        return cpus(milliCpus);
    }

    /** The same for a sum of limits. */
    public static Optional<CpuCount> cpus(long milliCpus) {
        return Optional.of(Math.ceilDiv(milliCpus, MILLI))
                .filter(whole -> whole > 0)
                .map(whole -> new CpuCount((int) Math.min(whole, CpuCount.MOST)));
    }

    /** Reads an OCI LinuxResources object, as an Update brings it. */
    public static OciResources parse(String json) {
        return of(update(json));
    }

    /**
     * The same object for the guest's agent: without what names the host's CPUs, disks or links.
     */
    public static String inGuest(String json) {
        JsonObject resources = update(json).object();
        GuestDocument.resources(resources);
        return JsonNode.text(resources);
    }

    private static JsonNode update(String json) {
        return JsonNode.parse("The update's resources", json);
    }

    private static int milliCpus(String where, long quota, long period) {
        if (quota <= 0) {
            return 0;
        }
        long whole = Math.ceilDiv(quota, period);
        if (whole > CpuCount.MOST) {
            throw DriverException.invalid(
                    "%s asks for %d CPUs, but a machine has at most %d."
                            .formatted(where, whole, CpuCount.MOST));
        }
        return BigDecimal.valueOf(quota)
                .multiply(BigDecimal.valueOf(MILLI))
                .divide(BigDecimal.valueOf(period), 0, RoundingMode.CEILING)
                .intValueExact();
    }
}
