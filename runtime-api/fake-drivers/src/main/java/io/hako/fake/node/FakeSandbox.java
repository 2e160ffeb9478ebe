// SPDX-License-Identifier: Apache-2.0
package io.hako.fake.node;

import io.hako.api.driver.ProcessSpec;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.KeptFile;
import io.hako.api.types.PassedFile;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Consumer;

/** What a shim holds for one sandbox: processes, kept files, mounts. */
final class FakeSandbox {
    private final Map<String, FakeProcess> processes = new TreeMap<>();
    private final Map<String, PassedFile> kept = new TreeMap<>();
    private final Map<String, ServerSocketChannel> listeners = new TreeMap<>();
    private final Map<Path, String> mounts = new TreeMap<>();

    synchronized FakeProcess launch(ProcessSpec spec, long pid, Consumer<FakeProcess> program) {
        FakeProcess known = processes.get(spec.role());
        if (known != null) {
            return known;
        }
        requireProgram(Path.of(spec.command().getFirst()));
        spec.files().forEach(this::keep);
        FakeProcess process = new FakeProcess(spec, pid);
        processes.put(spec.role(), process);
        program.accept(process);
        return process;
    }

    private static void requireProgram(Path program) {
        if (!Files.isExecutable(program)) {
            throw new DriverException(
                    FailureKind.NOT_FOUND, "There is no program %s.".formatted(program));
        }
    }

    private void keep(PassedFile file) {
        boolean keeps =
                switch (file) {
                    case PassedFile.OpenedFile opened -> opened.kept();
                    case PassedFile.ListeningSocket socket -> listen(socket);
                    case PassedFile.Memfd memory -> true;
                    case PassedFile.TapQueue queue -> true;
                    case PassedFile.ConnectedSocket socket -> false;
                    case PassedFile.GuestPort port -> false;
                };
        if (keeps) {
            kept.putIfAbsent(file.name(), file);
        }
    }

    private boolean listen(PassedFile.ListeningSocket socket) {
        if (listeners.containsKey(socket.name())) {
            return true;
        }
        try {
            ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
            listeners.put(socket.name(), listener.bind(UnixDomainSocketAddress.of(socket.path())));
            return true;
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The socket %s could not be made.".formatted(socket.path()),
                    e);
        }
    }

    synchronized Optional<FakeProcess> find(String role) {
        return Optional.ofNullable(processes.get(role));
    }

    synchronized Optional<ServerSocketChannel> listener(String name) {
        return Optional.ofNullable(listeners.get(name));
    }

    synchronized void forget(String role) {
        FakeProcess process = processes.get(role);
        if (process != null && process.exit().isEmpty()) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "Process %s cannot be forgotten: it is running.".formatted(role));
        }
        processes.remove(role);
    }

    synchronized void requireKept(List<KeptFile> files) {
        for (KeptFile file : files) {
            if (!kept.containsKey(file.value())) {
                throw new DriverException(
                        FailureKind.NOT_FOUND, "No file %s is kept.".formatted(file));
            }
        }
    }

    synchronized void mount(Path target, String what) {
        mounts.put(target, what);
    }

    synchronized void unmount(Path target) {
        mounts.remove(target);
    }

    /** What a driver has to take away by itself. */
    synchronized List<String> effects() {
        List<String> all = new ArrayList<>();
        processes.values().stream()
                .filter(process -> process.exit().isEmpty())
                .forEach(process -> all.add("process " + process.role()));
        mounts.keySet().forEach(target -> all.add("mount " + target));
        return all;
    }

    /** Takes everything away, as the daemon does from its journal. */
    synchronized void undo() {
        processes.values().forEach(process -> process.kill(9));
        processes.clear();
        mounts.clear();
        kept.clear();
        for (ServerSocketChannel listener : listeners.values()) {
            try {
                Path path = ((UnixDomainSocketAddress) listener.getLocalAddress()).getPath();
                listener.close();
                Files.deleteIfExists(path);
            } catch (IOException e) {
                throw new DriverException(
                        FailureKind.INTERNAL, "A socket of the fake node could not be closed.", e);
            }
        }
        listeners.clear();
    }
}
