// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import io.hako.api.types.NetworkNamespace;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A hook of the OCI runtime-spec to be run on the host.
 *
 * @param program absolute
 * @param arguments argv, which begins with the program's name; empty: the path alone
 * @param environment {@code NAME=VALUE}, the whole of it
 * @param directory to be run in
 * @param limit after which it is killed
 * @param input what it reads
 */
public record HookRun(
        Path program,
        List<String> arguments,
        List<String> environment,
        Path directory,
        Optional<Duration> limit,
        Input input) {
    public HookRun {
        arguments = List.copyOf(arguments);
        environment = List.copyOf(environment);
    }

    /**
     * A text. If a namespace is given, it is {@code text}, the pid of a process in the namespace
     * that lives as long as the hook, {@code afterPid}.
     */
    public record Input(String text, Optional<NetworkNamespace> namespace, String afterPid) {}
}
