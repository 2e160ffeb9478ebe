// SPDX-License-Identifier: Apache-2.0
package io.hako.api.hypervisor;

import io.hako.api.types.Call;
import io.hako.api.types.CpuCount;
import io.hako.api.types.MemorySize;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A running {@link Vm} that can change its size up to its spec's ceilings. Declared by {@link
 * VmFeature#RESIZE}.
 */
@ConsumerType
public interface Resizable {
    /**
     * Gives the guest memory, and returns once it has taken it or enough of the call's time has
     * passed; or lets it give some back, without waiting for it. Never less than it booted with.
     *
     * <p>What the guest's kernel itself needs to know of more memory (64 bytes for each page of 4
     * KiB, for whole blocks of 128 MiB) is part of it: the caller adds it.
     *
     * @return what the machine has now: less than was wanted if the guest did not take it, more if
     *     it has not given it back; either may still change. The same size wanted again is asked
     *     for again
     * @throws io.hako.api.types.DriverException EXHAUSTED if more than the ceiling is wanted, with
     *     both numbers; FAILED_PRECONDITION if the machine has not booted or has ended
     */
    MemorySize resizeMemory(MemorySize wanted, Call call);

    /**
     * Gives the guest CPUs, which it then has to put to use, or takes some back. Never fewer than
     * it booted with.
     *
     * @return what the machine has now: more than were wanted if it does not take back
     * @throws io.hako.api.types.DriverException EXHAUSTED if more than the ceiling are wanted, with
     *     both numbers; FAILED_PRECONDITION if the machine has not booted or has ended
     */
    CpuCount resizeCpus(CpuCount wanted, Call call);
}
