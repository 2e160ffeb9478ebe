// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.driver.Finding;
import io.hako.api.types.Call;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the host has of all that the driver needs. */
final class QemuProbe {
    /** The oldest that the driver is known to work with: Debian 12's. */
    private static final int OLDEST_MAJOR = 7;

    private static final int OLDEST_MINOR = 2;
    private static final Pattern VERSION =
            Pattern.compile("QEMU emulator version (\\d{1,4})\\.(\\d{1,4})[.\\d]*");
    private static final String INSTALL =
            "Install QEMU 7.2 or later (Debian: apt install qemu-system-x86), or set binary in [hypervisor.qemu].";

    private final QemuSettings settings;
    private final HostCpu host;

    QemuProbe(QemuSettings settings, HostCpu host) {
        this.settings = settings;
        this.host = host;
    }

    List<Finding> findings(Call call) {
        List<Finding> findings = new ArrayList<>();
        Finding version = version(run("--version", call));
        findings.add(version);
        if (version.level() != Finding.Level.MISSING) {
            findings.add(machine(run("-machine help", call)));
            findings.add(firmware(run("-L help", call)));
        }
        findings.add(accelerator());
        return findings;
    }

    private Finding version(Optional<String> output) {
        if (output.isEmpty()) {
            return Finding.missing(
                    "QEMU", "%s cannot be run.".formatted(settings.binary()), INSTALL);
        }
        Matcher matcher = VERSION.matcher(output.get());
        if (!matcher.find()) {
            return Finding.missing(
                    "QEMU",
                    "%s does not say which version of QEMU it is.".formatted(settings.binary()),
                    INSTALL);
        }
        int major = Integer.parseInt(matcher.group(1));
        int minor = Integer.parseInt(matcher.group(2));
        boolean old = major < OLDEST_MAJOR || major == OLDEST_MAJOR && minor < OLDEST_MINOR;
        return old
                ? Finding.missing(
                        "QEMU",
                        "QEMU %d.%d at %s is older than 7.2."
                                .formatted(major, minor, settings.binary()),
                        INSTALL)
                : Finding.ok("QEMU", "%s at %s.".formatted(matcher.group(), settings.binary()));
    }

    private Finding machine(Optional<String> output) {
        boolean known =
                output.stream()
                        .flatMap(String::lines)
                        .anyMatch(line -> line.startsWith(settings.machine() + " "));
        return known
                ? Finding.ok(
                        "machine type",
                        "The machine %s is known to this QEMU.".formatted(settings.machine()))
                : Finding.missing(
                        "machine type",
                        "This QEMU knows no machine %s.".formatted(settings.machine()),
                        "Set machine in [hypervisor.qemu] to one of the pc-q35-X.Y that \"%s -machine help\" lists."
                                .formatted(settings.binary()));
    }

    private Finding firmware(Optional<String> dataDirectories) {
        Optional<Path> found =
                dataDirectories.stream()
                        .flatMap(String::lines)
                        .filter(line -> !line.isBlank())
                        .map(line -> Path.of(line.strip()).resolve(settings.firmware()))
                        .filter(Files::isRegularFile)
                        .findFirst();
        return found.map(file -> Finding.ok("firmware", "%s is there.".formatted(file)))
                .orElseGet(
                        () ->
                                Finding.missing(
                                        "firmware",
                                        "QEMU finds no firmware %s.".formatted(settings.firmware()),
                                        "Install it (Debian: apt install qemu-system-data), or set firmware in [hypervisor.qemu]."));
    }

    private Finding accelerator() {
        if (settings.accel() == AcceleratorChoice.TCG) {
            return Finding.ok(
                    "accelerator",
                    "TCG, as accel in [hypervisor.qemu] says: guests are emulated, many times slower.");
        }
        Optional<String> obstacle = host.obstacleToKvm();
        if (obstacle.isEmpty()) {
            return Finding.ok("accelerator", "KVM is usable.");
        }
        String sentence = "KVM is not usable: %s.".formatted(obstacle.get());
        String remedy =
                "Use a host with hardware virtualization, or a virtual one with nested virtualization.";
        return settings.accel() == AcceleratorChoice.KVM
                ? Finding.missing("accelerator", sentence, remedy)
                : Finding.warning(
                        "accelerator",
                        sentence,
                        "Guests are emulated by TCG, many times slower. " + remedy);
    }

    private Optional<String> run(String arguments, Call call) {
        List<String> command = new ArrayList<>(List.of(settings.binary().toString()));
        command.addAll(List.of(arguments.split(" ")));
        return ProgramOutput.of(command, call);
    }
}
