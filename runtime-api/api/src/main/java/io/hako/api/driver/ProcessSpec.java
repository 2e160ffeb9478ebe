// SPDX-License-Identifier: Apache-2.0
package io.hako.api.driver;

import io.hako.api.types.Confinement;
import io.hako.api.types.DriverException;
import io.hako.api.types.MemorySize;
import io.hako.api.types.Names;
import io.hako.api.types.NetworkNamespace;
import io.hako.api.types.PassedFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A process for the shim to start. Its standard input is empty, its standard output and error go
 * together into a ring that the shim keeps, its working directory is the root.
 *
 * @param role its name, at most 63 characters, unique within the sandbox: drivers put the id of
 *     what it serves into it
 * @param command the program's absolute path, then its arguments
 * @param environment the whole of it; nothing is inherited
 * @param files that it is given, as descriptors {@link #FIRST_FILE} and up, in this order ({@link
 *     #descriptorOf})
 * @param network the network namespace that it runs in; absent: the shim's, or what the confinement
 *     says
 * @param confinement what it is shut off from
 * @param outputKept size of the ring, 4 KiB to 1 MiB; the newest output is kept
 */
public record ProcessSpec(
        String role,
        List<String> command,
        Map<String, String> environment,
        List<PassedFile> files,
        Optional<NetworkNamespace> network,
        Confinement confinement,
        MemorySize outputKept) {
    /** The descriptor of the first of {@link #files}: after standard input, output and error. */
    public static final int FIRST_FILE = 3;

    private static final MemorySize LEAST_OUTPUT = MemorySize.ofKibibytes(4);
    private static final MemorySize MOST_OUTPUT = MemorySize.ofMebibytes(1);

    public ProcessSpec {
        Names.name("The role of a process", role, 63);
        command = List.copyOf(command);
        environment = Map.copyOf(environment);
        files = List.copyOf(files);
        if (command.isEmpty()) {
            throw DriverException.invalid(
                    "The command of process %s must name a program.".formatted(role));
        }
        Names.absolute("The program of process " + role, Path.of(command.getFirst()));
        Names.distinct(
                "The files of process " + role, files.stream().map(PassedFile::name).toList());
        if (network.isPresent()
                && confinement.namespaces().contains(Confinement.Namespace.NETWORK)) {
            throw DriverException.invalid(
                    "Process %s can be in network namespace %s or in an empty one, not in both."
                            .formatted(role, network.get()));
        }
        if (outputKept.compareTo(LEAST_OUTPUT) < 0 || outputKept.compareTo(MOST_OUTPUT) > 0) {
            throw DriverException.invalid(
                    "The output kept of process %s is %s to %s, but is %s."
                            .formatted(role, LEAST_OUTPUT, MOST_OUTPUT, outputKept));
        }
    }

    /**
     * The descriptor that a process started with these files finds one of them at; for writing a
     * command before there is a spec.
     *
     * @throws DriverException INVALID_REQUEST if the list does not hold the file
     */
    public static int descriptorOf(PassedFile file, List<PassedFile> files) {
        int index = files.indexOf(file);
        if (index < 0) {
            throw DriverException.invalid(
                    "The file %s is not among those passed.".formatted(file.name()));
        }
        return FIRST_FILE + index;
    }
}
