// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import java.util.List;

/**
 * Words of the guest's kernel command line that belong to this machine (Linux
 * Documentation/admin-guide/kernel-parameters.txt).
 */
final class GuestKernelWords {
    /**
     * The console is the machine's only serial port. A panic reboots at once, which under
     * -no-reboot ends QEMU; reboot=t takes the shortest way. The i8042 has neither a mouse nor a
     * keyboard, and looking for them costs 100 ms.
     */
    static final List<String> OF_THE_MACHINE =
            List.of(
                    "console=ttyS0",
                    "8250.nr_uarts=1",
                    "panic=-1",
                    "reboot=t",
                    "i8042.noaux",
                    "i8042.nomux",
                    "i8042.nopnp",
                    "i8042.dumbkbd");

    private GuestKernelWords() {}

    /**
     * The clock. Under KVM the guest has kvm-clock. Under TCG it reads the host's counter, so it is
     * told its rate rather than left to measure it; and the check of the timer interrupt, which
     * fails on a busy host, is left out. Either counts on while QEMU stands still, so that the
     * guest's time is right when it goes on.
     */
    static List<String> clock(Accelerator accelerator, HostCpu host) {
        if (accelerator == Accelerator.KVM) {
            return List.of();
        }
        return host.timeStampCounterKilohertz().stream()
                .mapToObj(
                        rate -> List.of("no_timer_check", "tsc=reliable", "tsc_early_khz=" + rate))
                .findFirst()
                .orElse(List.of("no_timer_check"));
    }
}
