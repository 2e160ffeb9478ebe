// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

/**
 * A number of virtual CPUs.
 *
 * @param count 1 to {@link #MOST}
 */
public record CpuCount(int count) implements Comparable<CpuCount> {
    /**
     * The most that KVM can give a guest on x86-64 (KVM_MAX_VCPUS, Linux
     * arch/x86/include/asm/kvm_host.h).
     */
    public static final int MOST = 4096;

    public CpuCount {
        if (count < 1 || count > MOST) {
            throw DriverException.invalid(
                    "A virtual machine has 1 to %d CPUs, but %d were asked for."
                            .formatted(MOST, count));
        }
    }

    @Override
    public int compareTo(CpuCount other) {
        return Integer.compare(count, other.count);
    }

    @Override
    public String toString() {
        return Integer.toString(count);
    }
}
