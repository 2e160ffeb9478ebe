// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the driver has to know of the host's processor.
 *
 * @param root the host's root directory; tests give another
 */
record HostCpu(Path root) {
    private static final Pattern FLAGS = Pattern.compile("(?m)^flags\\s*:\\s*(.*)$");
    private static final Pattern MEGAHERTZ =
            Pattern.compile("(?m)^cpu MHz\\s*:\\s*(\\d{1,6})\\.(\\d{3})$");

    static HostCpu ofThisHost() {
        return new HostCpu(Path.of("/"));
    }

    /**
     * Why KVM cannot be used, as half a sentence; empty if it can. The processor's flag is asked
     * for besides the device: there are hosts where /dev/kvm opens, KVM_CREATE_VM succeeds, and a
     * guest then hangs.
     */
    Optional<String> obstacleToKvm() {
        Path device = root.resolve("dev/kvm");
        if (!Files.exists(device)) {
            return Optional.of("/dev/kvm does not exist");
        }
        try (FileChannel _ =
                FileChannel.open(device, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            return hasVirtualization()
                    ? Optional.empty()
                    : Optional.of("/dev/kvm opens, but the processor shows neither vmx nor svm");
        } catch (IOException e) {
            return Optional.of(
                    "/dev/kvm cannot be opened (%s)".formatted(e.getClass().getSimpleName()));
        }
    }

    /** The group that may use KVM, where KVM is usable. */
    long groupOfKvm() {
        Path device = root.resolve("dev/kvm");
        try {
            return ((Number) Files.getAttribute(device, "unix:gid")).longValue();
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "It cannot be told which group may use %s.".formatted(device),
                    e);
        }
    }

    /**
     * The rate of the time stamp counter in kHz, if the host tells it. Guests under TCG read the
     * host's counter. Where frequencies change, /proc/cpuinfo gives the present one instead of the
     * counter's, which is the base frequency; where neither is known the guest measures by itself,
     * which takes it some tenths of a second.
     */
    OptionalLong timeStampCounterKilohertz() {
        Path scaling = root.resolve("sys/devices/system/cpu/cpu0/cpufreq");
        if (Files.isDirectory(scaling)) {
            return read(scaling.resolve("base_frequency"))
                    .strip()
                    .transform(HostCpu::positiveNumber);
        }
        Matcher matcher = MEGAHERTZ.matcher(cpuinfo());
        return matcher.find()
                ? positiveNumber(matcher.group(1) + matcher.group(2))
                : OptionalLong.empty();
    }

    private boolean hasVirtualization() {
        Matcher matcher = FLAGS.matcher(cpuinfo());
        return matcher.find()
                && Arrays.stream(matcher.group(1).split("\\s+"))
                        .anyMatch(flag -> flag.equals("vmx") || flag.equals("svm"));
    }

    private String cpuinfo() {
        return read(root.resolve("proc/cpuinfo"));
    }

    private static OptionalLong positiveNumber(String digits) {
        return digits.matches("0*[1-9]\\d{0,11}")
                ? OptionalLong.of(Long.parseLong(digits))
                : OptionalLong.empty();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return "";
        }
    }
}
