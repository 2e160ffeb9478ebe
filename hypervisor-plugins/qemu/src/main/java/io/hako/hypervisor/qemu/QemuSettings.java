// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.types.DriverException;
import io.hako.api.types.MemorySize;
import io.hako.api.types.Names;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * The table {@code [hypervisor.qemu]} of the settings file.
 *
 * @param binary the QEMU system emulator for x86-64
 * @param firmware the file given to -bios: an absolute path, or a name that QEMU looks for in its
 *     data directories
 * @param accel how guest code runs; auto: KVM where it is usable, else TCG
 * @param machine the machine type with its version. Pinned, since a guest keeps it for life and a
 *     later QEMU must offer the same to take it over; the default exists in every QEMU from 7.2 on
 * @param translationCache bound of TCG's cache of translated code, 16 MiB to 2047 MiB. Below 64 MiB
 *     booting slows down
 * @param sparePorts PCIe root ports kept free for devices attached later, 0 to {@link
 *     #MOST_SPARE_PORTS}
 * @param consoleKept how much of the console and of QEMU's own messages is kept, 4 KiB to 1 MiB
 */
public record QemuSettings(
        Path binary,
        String firmware,
        AcceleratorChoice accel,
        String machine,
        MemorySize translationCache,
        int sparePorts,
        MemorySize consoleKept) {
    /**
     * With these, {@link QemuHypervisor#MOST_COLD_DEVICES} and the fixed devices, the 30 free slots
     * of pcie.0 suffice.
     */
    public static final int MOST_SPARE_PORTS = 14;

    private static final Pattern PINNED = Pattern.compile("pc-q35-\\d{1,2}\\.\\d{1,2}");
    private static final MemorySize LEAST_CACHE = MemorySize.ofMebibytes(16);
    private static final MemorySize MOST_CACHE = MemorySize.ofMebibytes(2047);
    private static final MemorySize LEAST_CONSOLE = MemorySize.ofKibibytes(4);
    private static final MemorySize MOST_CONSOLE = MemorySize.ofMebibytes(1);

    public QemuSettings {
        Names.absolute("The setting binary of hypervisor.qemu", binary);
        Names.text("The setting firmware of hypervisor.qemu", firmware, 4000);
        if (!PINNED.matcher(machine).matches()) {
            throw DriverException.invalid(
                    "The setting machine of hypervisor.qemu is a q35 machine with its version, such as pc-q35-7.2, but is \"%s\"."
                            .formatted(machine));
        }
        within("translation_cache", translationCache, LEAST_CACHE, MOST_CACHE);
        Names.within("The setting spare_ports of hypervisor.qemu", sparePorts, 0, MOST_SPARE_PORTS);
        within("console_kept", consoleKept, LEAST_CONSOLE, MOST_CONSOLE);
    }

    public QemuSettings() {
        this(
                Path.of("/usr/bin/qemu-system-x86_64"),
                "qboot.rom",
                AcceleratorChoice.AUTO,
                "pc-q35-7.2",
                MemorySize.ofMebibytes(64),
                4,
                MemorySize.ofKibibytes(64));
    }

    private static void within(String key, MemorySize value, MemorySize least, MemorySize most) {
        if (value.compareTo(least) < 0 || value.compareTo(most) > 0) {
            throw DriverException.invalid(
                    "The setting %s of hypervisor.qemu is %s to %s, but is %s."
                            .formatted(key, least, most, value));
        }
    }
}
