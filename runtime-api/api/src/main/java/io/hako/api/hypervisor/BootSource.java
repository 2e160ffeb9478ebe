// SPDX-License-Identifier: Apache-2.0
package io.hako.api.hypervisor;

import io.hako.api.types.DriverException;
import io.hako.api.types.Names;
import java.nio.file.Path;
import java.util.List;

/**
 * What a guest boots.
 *
 * @param kernel absolute path of a Linux kernel: an ELF vmlinux with a PVH note, or a bzImage
 * @param initramfs absolute path of an initial file system that holds the agent as /init
 * @param commandLine words for the kernel, each without blanks; the driver adds what only its
 *     machine needs (a console, a clock) before them, so that these win. The whole is at most
 *     {@link #LONGEST_COMMAND_LINE} bytes
 */
public record BootSource(Path kernel, Path initramfs, List<String> commandLine) {
    /**
     * COMMAND_LINE_SIZE of Linux on x86-64 (arch/x86/include/asm/setup.h), less its closing zero.
     */
    public static final int LONGEST_COMMAND_LINE = 2047;

    public BootSource {
        Names.absolute("The guest kernel", kernel);
        Names.absolute("The guest initramfs", initramfs);
        commandLine = List.copyOf(commandLine);
        commandLine.forEach(BootSource::checkWord);
        int length = String.join(" ", commandLine).length();
        if (length > LONGEST_COMMAND_LINE) {
            throw DriverException.invalid(
                    "The kernel command line has at most %d bytes, but has %d."
                            .formatted(LONGEST_COMMAND_LINE, length));
        }
    }

    private static void checkWord(String word) {
        if (word.isEmpty() || word.chars().anyMatch(c -> c <= ' ' || c > '~')) {
            throw DriverException.invalid(
                    "A word of the kernel command line is visible ASCII without blanks, but is \"%s\"."
                            .formatted(word));
        }
    }
}
