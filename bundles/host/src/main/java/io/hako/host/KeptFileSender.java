// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.KeptFile;
import io.hako.host.linux.Descriptors;
import io.hako.host.linux.NativeThreads;
import io.hako.host.shim.Shim;
import io.hako.ttrpc.CallScope;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Sends files that a shim keeps over a socket of this process: copies them out of the shim
 * (pidfd_getfd(2)) and hands them on.
 *
 * @param name the path that the socket alone is bound to, by which its descriptor is found
 */
record KeptFileSender(
        Path name, Shim shim, Supplier<Descriptors> descriptors, NativeThreads threads) {
    private static final Duration LIMIT = Duration.ofSeconds(5);

    void send(byte first, List<KeptFile> files) {
        if (files.size() > Descriptors.MOST_SENT) {
            throw DriverException.invalid(
                    "At most %d files go with one message, but there are %d."
                            .formatted(Descriptors.MOST_SENT, files.size()));
        }
        String what = "send kept files of sandbox " + shim.identity().owner();
        int process = threads.run(what, () -> descriptors.get().openProcess(shim.identity().pid()));
        try {
            // The shim answers after the handle was taken, so the handle is the shim's and no later
            // process's.
            List<Integer> numbers = numbers(files);
            threads.run(what, () -> copyAndSend(first, process, numbers));
        } finally {
            threads.run(what, () -> close(process));
        }
    }

    /** Sends the connection that another sender is for. */
    void sendConnection(byte first, KeptFileSender other) {
        threads.run(
                "pass a connection of sandbox " + shim.identity().owner(),
                () -> {
                    descriptors.get().send(own(), first, List.of(other.own()));
                    return true;
                });
    }

    private List<Integer> numbers(List<KeptFile> files) {
        Map<String, Integer> kept = shim.kept(CallScope.within(LIMIT));
        return files.stream()
                .map(
                        file ->
                                Optional.ofNullable(kept.get(file.value()))
                                        .orElseThrow(
                                                () ->
                                                        new DriverException(
                                                                FailureKind.NOT_FOUND,
                                                                "The shim of sandbox %s keeps no file \"%s\": it keeps %s."
                                                                        .formatted(
                                                                                shim.identity()
                                                                                        .owner(),
                                                                                file,
                                                                                kept.keySet()))))
                .toList();
    }

    private boolean copyAndSend(byte first, int process, List<Integer> numbers) throws IOException {
        int socket = own();
        List<Integer> copies = descriptors.get().copies(process, numbers);
        try {
            descriptors.get().send(socket, first, copies);
        } finally {
            copies.forEach(this::close);
        }
        return true;
    }

    /** The descriptor of the connection that this sender is for. */
    private int own() throws IOException {
        return descriptors
                .get()
                .boundTo(name)
                .orElseThrow(
                        () ->
                                new DriverException(
                                        FailureKind.UNAVAILABLE, "The connection was closed."));
    }

    private boolean close(int descriptor) {
        descriptors.get().close(descriptor);
        return true;
    }
}
