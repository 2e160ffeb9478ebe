// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.hypervisor.BootSource;
import io.hako.settings.GuestSettings;
import java.util.ArrayList;
import java.util.List;

/**
 * What every guest boots, whichever machine it is: words for the kernel that save time and memory,
 * then the operator's own.
 */
final class GuestBoot {
    /**
     * As measured on Debian's 6.1 and 6.12 cloud kernels. A panic ends the machine at once ({@code
     * panic=-1}, {@code reboot=t}) so that it is seen; huge pages off give a small guest a quarter
     * more memory; no bounce buffers are set aside for a memory ceiling that lies above 4 GiB;
     * memory that comes later is used at once, and three quarters of it so that it can go again;
     * the rest skips tests and services that no container in a guest uses.
     */
    private static final List<String> COMMON =
            List.of(
                    "quiet",
                    "panic=-1",
                    "reboot=t",
                    "transparent_hugepage=never",
                    "swiotlb=noforce",
                    "memhp_default_state=online",
                    "memory_hotplug.online_policy=auto-movable",
                    "random.trust_cpu=on",
                    "rcupdate.rcu_expedited=1",
                    "cryptomgr.notests",
                    "audit=0",
                    "apparmor=0",
                    "nowatchdog");

    private GuestBoot() {}

    static BootSource source(GuestSettings guest) {
        List<String> words = new ArrayList<>(COMMON);
        words.addAll(guest.kernelWords());
        return new BootSource(guest.kernel(), guest.initramfs(), words);
    }
}
