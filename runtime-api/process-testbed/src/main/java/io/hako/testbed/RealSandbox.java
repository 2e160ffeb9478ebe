// SPDX-License-Identifier: Apache-2.0
package io.hako.testbed;

import io.hako.api.driver.ProcessSpec;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What one sandbox has on the machine: processes, descriptors, mounts. */
final class RealSandbox {
    private static final int SIGKILL = 9;

    private final Libc libc;
    private final Descriptors descriptors;
    private final Map<String, RealProcess> processes = new TreeMap<>();
    private final Set<Path> mounts = new TreeSet<>();

    RealSandbox(Libc libc) {
        this.libc = libc;
        this.descriptors = new Descriptors(libc);
    }

    synchronized RealProcess launch(ProcessSpec spec) {
        RealProcess known = processes.get(spec.role());
        if (known != null) {
            return known;
        }
        if (!Files.isExecutable(Path.of(spec.command().getFirst()))) {
            throw new DriverException(
                    FailureKind.NOT_FOUND,
                    "There is no program %s.".formatted(spec.command().getFirst()));
        }
        RealProcess process =
                RealProcess.start(libc, spec, spec.files().stream().map(descriptors::of).toList());
        processes.put(spec.role(), process);
        return process;
    }

    RealUnixStream connect(Path socket) {
        return RealUnixStream.connect(libc, socket);
    }

    synchronized Optional<RealProcess> find(String role) {
        return Optional.ofNullable(processes.get(role));
    }

    synchronized void forget(String role) {
        if (find(role).filter(process -> process.exit().isEmpty()).isPresent()) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "Process %s cannot be forgotten: it is running.".formatted(role));
        }
        processes.remove(role);
    }

    synchronized void mount(String type, String source, Path target, List<String> options) {
        if (mounts.contains(target)) {
            return;
        }
        List<String> command = new ArrayList<>(List.of("mount"));
        if (type.equals("bind") || type.equals("rbind")) {
            command.add("--" + type);
        } else {
            command.addAll(List.of("-t", type));
        }
        if (!options.isEmpty()) {
            command.addAll(List.of("-o", String.join(",", options)));
        }
        command.addAll(List.of(source, target.toString()));
        try {
            Files.createDirectories(target);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The directory %s could not be made.".formatted(target),
                    e);
        }
        Command.run(command);
        mounts.add(target);
    }

    synchronized void unmount(Path target) {
        if (mounts.contains(target)) {
            Command.run(List.of("umount", "--lazy", target.toString()));
            mounts.remove(target);
        }
    }

    /** What a driver has to take away by itself. */
    synchronized List<String> effects() {
        List<String> all = new ArrayList<>();
        processes.values().stream()
                .filter(process -> process.exit().isEmpty())
                .forEach(process -> all.add("process " + process.role()));
        mounts.forEach(target -> all.add("mount " + target));
        return all;
    }

    /** Takes everything away. */
    synchronized void undo(Call call) {
        for (RealProcess process : processes.values()) {
            process.kill(SIGKILL);
            process.awaitExit(call);
        }
        processes.clear();
        List.copyOf(mounts).forEach(this::unmount);
        try {
            descriptors.close();
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.INTERNAL, "A socket of the testbed could not be removed.", e);
        }
    }
}
