// SPDX-License-Identifier: Apache-2.0
package io.hako.host.linux;

import com.sun.jna.LastErrorException;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/**
 * Runs things in another network namespace, on a thread of its own that ends with them: no other
 * task can find itself there.
 */
public final class NetworkNamespaces {
    private static final int O_RDONLY = 0;
    private static final int O_CLOEXEC = 0x80000;
    private static final int CLONE_NEWNET = 0x4000_0000;
    private static final int ENOENT = 2;
    private static final int EINVAL = 22;

    private final Libc libc;

    public NetworkNamespaces(Libc libc) {
        this.libc = libc;
    }

    /**
     * To be called on a platform thread of {@link NativeThreads}, which bounds how many of these
     * run at a time.
     *
     * @throws DriverException NOT_FOUND if there is no such namespace; else as the task failed
     */
    public <T> T in(NetworkNamespace namespace, Callable<T> task) throws Exception {
        Outcome<T> outcome = new Outcome<>();
        Thread thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("netns")
                        .unstarted(
                                () ->
                                        outcome.run(
                                                () -> {
                                                    enter(namespace);
                                                    return task.call();
                                                }));
        thread.start();
        thread.join();
        return outcome.get();
    }

    /**
     * Makes a new namespace, which lives as long as something holds it.
     *
     * @param keeping called in the new namespace with a path to it, to bind it to a place that
     *     stays
     */
    public void create(Consumer<Path> keeping) throws Exception {
        Outcome<Boolean> outcome = new Outcome<>();
        Thread thread =
                Thread.ofPlatform()
                        .daemon()
                        .name("netns")
                        .unstarted(
                                () ->
                                        outcome.run(
                                                () -> {
                                                    libc.unshare(CLONE_NEWNET);
                                                    keeping.accept(
                                                            Path.of(
                                                                    "/proc/%d/task/%d/ns/net"
                                                                            .formatted(
                                                                                    ProcessHandle
                                                                                            .current()
                                                                                            .pid(),
                                                                                    libc
                                                                                            .gettid())));
                                                    return true;
                                                }));
        thread.start();
        thread.join();
        outcome.get();
    }

    private void enter(NetworkNamespace namespace) {
        int descriptor = open(namespace);
        try {
            libc.setns(descriptor, CLONE_NEWNET);
        } catch (LastErrorException e) {
            throw e.getErrorCode() == EINVAL ? missing(namespace, e) : e;
        } finally {
            libc.close(descriptor);
        }
    }

    /** A descriptor of a namespace, to be closed. */
    public int open(NetworkNamespace namespace) {
        try {
            return libc.open(namespace.path().toString(), O_RDONLY | O_CLOEXEC);
        } catch (LastErrorException e) {
            throw e.getErrorCode() == ENOENT ? missing(namespace, e) : e;
        }
    }

    private static DriverException missing(NetworkNamespace namespace, LastErrorException e) {
        return new DriverException(
                FailureKind.NOT_FOUND,
                "There is no network namespace at %s.".formatted(namespace),
                e);
    }

    /** What a thread leaves behind; read after it was joined. */
    private static final class Outcome<T> {
        private Callable<T> result =
                () -> {
                    throw new IllegalStateException("The thread has not run.");
                };

        void run(Callable<T> task) {
            try {
                T value = task.call();
                result = () -> value;
            } catch (Exception e) {
                result =
                        () -> {
                            throw e;
                        };
            }
        }

        T get() throws Exception {
            return result.call();
        }
    }
}
