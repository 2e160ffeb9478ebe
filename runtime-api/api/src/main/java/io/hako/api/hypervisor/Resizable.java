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
     * Gives the guest memory, or takes some back as far as the guest gives it.
     *
     * @return what the machine has now; more than was wanted if the guest would not give all
     * @throws io.hako.api.types.DriverException EXHAUSTED if more than the ceiling is wanted, with
     *     both numbers
     */
    MemorySize resizeMemory(MemorySize wanted, Call call);

    /**
     * Gives the guest CPUs, or takes some back.
     *
     * @return what the machine has now
     * @throws io.hako.api.types.DriverException EXHAUSTED if more than the ceiling are wanted, with
     *     both numbers
     */
    CpuCount resizeCpus(CpuCount wanted, Call call);
}
