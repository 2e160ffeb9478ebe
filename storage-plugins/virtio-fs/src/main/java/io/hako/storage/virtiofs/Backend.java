// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.ProcessSpec;
import io.hako.api.driver.SupervisedProcess;
import io.hako.api.types.Call;
import io.hako.api.types.Confinement;
import io.hako.api.types.Confinement.Capability;
import io.hako.api.types.Confinement.Namespace;
import io.hako.api.types.Confinement.OwnRoot;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import io.hako.api.types.PassedFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * One virtiofsd. Its namespaces and its root are made by the shim, so that there is one process
 * instead of the two that its own sandbox takes. It is uid 0 of a user namespace in which every
 * user has its own number: files keep their owners, and the process has no rights over anything but
 * files. Of those it has the share alone. Its own change of root, into the share, would not hold a
 * process that has been taken over: it keeps a descriptor from before.
 */
final class Backend {
    /** What virtiofsd of either kind logs when it accepts a connection. */
    private static final String READY = "Waiting for vhost-user socket connection";

    private static final long READY_CHECK_NANOS = 3_000_000;
    private static final int SIGKILL = 9;
    private static final MemorySize OUTPUT_KEPT = MemorySize.ofKibibytes(16);

    /**
     * What it reads before it says what limit of open files it sets: the C and the Rust version.
     */
    private static final Set<Path> LIMITS =
            Set.of(Path.of("/proc/sys/fs/file-max"), Path.of("/proc/sys/fs/nr_open"));

    /**
     * What both versions serve files with, what they change their root with, and what they give the
     * rest of their rights up with.
     */
    private static final Set<Capability> CAPABILITIES =
            Set.of(
                    Capability.CHOWN,
                    Capability.DAC_OVERRIDE,
                    Capability.DAC_READ_SEARCH,
                    Capability.FOWNER,
                    Capability.FSETID,
                    Capability.SETGID,
                    Capability.SETUID,
                    Capability.MKNOD,
                    Capability.SETFCAP,
                    Capability.SYS_CHROOT,
                    Capability.SETPCAP);

    private Backend() {}

    /** Starts it, and returns once it accepts a connection. */
    static void start(
            Path program,
            Share share,
            Path directory,
            CachePolicy cache,
            DriverContext context,
            Call call) {
        SupervisedProcess process =
                context.launch(spec(program, share, directory, cache, context.workspace()), call);
        try {
            awaitReady(process, call);
        } catch (DriverException e) {
            process.kill(SIGKILL);
            throw e;
        }
    }

    /** Ends it, whether it runs or not; returns once it has ended. */
    static void end(Share share, DriverContext context, Call call) {
        context.find(share.role())
                .ifPresent(
                        process -> {
                            process.kill(SIGKILL);
                            process.awaitExit(call);
                        });
    }

    static boolean runs(Share share, DriverContext context) {
        return context.find(share.role()).filter(process -> process.exit().isEmpty()).isPresent();
    }

    static ProcessSpec spec(
            Path program, Share share, Path directory, CachePolicy cache, Path workspace) {
        PassedFile socket =
                new PassedFile.ListeningSocket(share.socketName(), Share.socket(workspace));
        List<PassedFile> files = List.of(socket);
        // The form that virtiofsd of either kind understands. Submounts are announced so that the
        // guest sees a mounted
        // container's root as a file system of its own: inode numbers would meet otherwise.
        String options =
                "source=%s,xattr,cache=%s,sandbox=chroot,announce_submounts"
                        .formatted(directory, cache.word());
        List<String> command =
                List.of(
                        program.toString(),
                        "--fd=" + ProcessSpec.descriptorOf(socket, files),
                        "-f",
                        "-o",
                        options);
        return new ProcessSpec(
                share.role(),
                command,
                Map.of(),
                files,
                Optional.empty(),
                confinement(directory),
                OUTPUT_KEPT);
    }

    private static Confinement confinement(Path directory) {
        return new Confinement(
                EnumSet.allOf(Namespace.class),
                Optional.empty(),
                true,
                Optional.of(CAPABILITIES),
                Optional.of(new OwnRoot(LIMITS, Set.of(directory))));
    }

    private static void awaitReady(SupervisedProcess process, Call call) {
        while (!output(process).contains(READY)) {
            call.checkCancelled();
            Optional<ExitStatus> exit = process.exit();
            if (exit.isPresent()) {
                throw ended(exit.get(), output(process));
            }
            LockSupport.parkNanos(READY_CHECK_NANOS);
        }
    }

    private static DriverException ended(ExitStatus exit, String output) {
        String how =
                switch (exit) {
                    case ExitStatus.Exited exited -> "status " + exited.code();
                    case ExitStatus.Signalled signalled -> "signal " + signalled.signal();
                    default -> "an end of a kind that this driver does not know";
                };
        String lastWord =
                output.lines()
                        .filter(line -> !line.isBlank())
                        .reduce((earlier, later) -> later)
                        .map(line -> line.replaceAll("[^\\x20-\\x7e]", "?"))
                        .map(
                                line ->
                                        " The last line it wrote: \"%s\"."
                                                .formatted(
                                                        line.substring(
                                                                0, Math.min(300, line.length()))))
                        .orElse("");
        return new DriverException(
                FailureKind.UNAVAILABLE,
                "The file server virtiofsd ended with %s before it was ready.%s"
                        .formatted(how, lastWord));
    }

    private static String output(SupervisedProcess process) {
        return new String(process.output(), StandardCharsets.UTF_8);
    }
}
