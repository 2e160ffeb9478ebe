// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.api.driver.Finding;
import io.hako.settings.GuestSettings;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What pods need of the host, whichever drivers serve them.
 *
 * @param root of the host's file system; another one in tests
 * @param run RUN, where sockets and journals are
 * @param state STATE, where images and plugins are
 */
record HostFindings(Path root, Path run, Path state) {
    private static final String BUILD_GUEST =
            "Make the guest image (guest-image/build --agent FILE --output DIR), or set %s in [guest] of the settings file.";

    /** Bit of CAP_SYS_RESOURCE in /proc/PID/status (linux/capability.h). */
    private static final int CAP_SYS_RESOURCE = 24;

    /** ELF's magic number, as read in little endian (elf(5)). */
    private static final int ELF = 0x464c457f;

    /** "HdrS" at 0x202 of a bzImage, likewise (Linux Documentation/arch/x86/boot.rst). */
    private static final int HDRS = 0x53726448;

    private static final int HDRS_OFFSET = 0x202;

    List<Finding> findings(GuestSettings guest) {
        return List.of(
                kernel(guest.kernel()),
                initramfs(guest.initramfs()),
                directory("run directory", run),
                directory("state directory", state),
                cgroups(),
                capabilities());
    }

    private Finding kernel(Path kernel) {
        String remedy = BUILD_GUEST.formatted("kernel");
        byte[] head = new byte[HDRS_OFFSET + Integer.BYTES];
        try (InputStream in = Files.newInputStream(kernel)) {
            int length = in.readNBytes(head, 0, head.length);
            ByteBuffer words = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
            boolean boots =
                    length == head.length
                            && (words.getInt(0) == ELF || words.getInt(HDRS_OFFSET) == HDRS);
            return boots
                    ? Finding.ok("guest kernel", "%s is there.".formatted(kernel))
                    : Finding.missing(
                            "guest kernel",
                            "%s is no Linux kernel: neither an ELF vmlinux nor a bzImage."
                                    .formatted(kernel),
                            remedy);
        } catch (IOException e) {
            return Finding.missing("guest kernel", "%s cannot be read.".formatted(kernel), remedy);
        }
    }

    private Finding initramfs(Path initramfs) {
        return Files.isReadable(initramfs) && Files.isRegularFile(initramfs)
                ? Finding.ok("guest initramfs", "%s is there.".formatted(initramfs))
                : Finding.missing(
                        "guest initramfs",
                        "%s cannot be read.".formatted(initramfs),
                        BUILD_GUEST.formatted("initramfs"));
    }

    private static Finding directory(String what, Path directory) {
        if (!Files.isDirectory(directory) || !Files.isWritable(directory)) {
            return Finding.missing(
                    what,
                    "%s is not there, or cannot be written.".formatted(directory),
                    "Make it, with mode 0700, and start hakod anew.");
        }
        try {
            long free = Files.getFileStore(directory).getUsableSpace() >> 20;
            return free < 16
                    ? Finding.warning(
                            what,
                            "%s has %d MiB left.".formatted(directory, free),
                            "Make room there: a full one makes every start of a pod fail.")
                    : Finding.ok(what, "%s has %d MiB left.".formatted(directory, free));
        } catch (IOException e) {
            return Finding.warning(
                    what,
                    "How much room %s has is not known.".formatted(directory),
                    "Look at the file system that it is on.");
        }
    }

    private Finding cgroups() {
        Path top = root.resolve("sys/fs/cgroup");
        if (Files.exists(top.resolve("cgroup.controllers"))) {
            return Finding.ok("cgroups", "The host has cgroup v2.");
        }
        return Files.isDirectory(top.resolve("memory"))
                ? Finding.warning(
                        "cgroups",
                        "The host has cgroup v1.",
                        "Pods are put into every controller as far as it works; boot the host with cgroup v2 for exact limits.")
                : Finding.warning(
                        "cgroups",
                        "The host has no cgroups at %s.".formatted(top),
                        "Pods run without a limit of their own; mount cgroup v2 there.");
    }

    private Finding capabilities() {
        try {
            boolean has =
                    Files.readAllLines(root.resolve("proc/self/status")).stream()
                            .filter(line -> line.startsWith("CapEff:"))
                            .anyMatch(
                                    line ->
                                            (Long.parseUnsignedLong(line.substring(7).strip(), 16)
                                                                    >> CAP_SYS_RESOURCE
                                                            & 1)
                                                    != 0);
            return has
                    ? Finding.ok("capabilities", "hakod has CAP_SYS_RESOURCE.")
                    : Finding.warning(
                            "capabilities",
                            "hakod has no CAP_SYS_RESOURCE.",
                            "Limits of open files and locked memory stay as they are; give it the capability for many pods.");
        } catch (IOException | NumberFormatException e) {
            return Finding.warning(
                    "capabilities",
                    "What hakod may do is not known: /proc/self/status cannot be read.",
                    "Mount /proc.");
        }
    }
}
