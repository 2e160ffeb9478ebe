// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox;

import java.util.List;

/**
 * What a sandbox costs. All figures in bytes unless named otherwise; the guest's are 0 where no
 * machine runs.
 *
 * @param processes of the host, the shim included
 */
public record Overhead(
        List<ProcessCost> processes,
        long agentAnonymous,
        long guestMemoryTotal,
        long guestMemoryAvailable,
        List<StartStep> steps) {
    public Overhead {
        processes = List.copyOf(processes);
        steps = List.copyOf(steps);
    }

    /**
     * One host process; {@code pss} and {@code anonymous} are those of /proc/PID/smaps_rollup
     * (proc(5)).
     */
    public record ProcessCost(String role, int pid, long pss, long anonymous, long cpuMillis) {}

    /**
     * One step of the start. Steps that ran beside one another overlap, so the sum may exceed the
     * whole.
     */
    public record StartStep(String name, double milliseconds) {}
}
