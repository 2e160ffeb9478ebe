// SPDX-License-Identifier: Apache-2.0
package io.hako.host.linux;

import com.sun.jna.LastErrorException;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * At most four platform threads for native calls, each ending after ten idle seconds. What runs on
 * them is short and does not wait for other tasks.
 */
public final class NativeThreads implements AutoCloseable {
    private static final int MOST_THREADS = 4;
    private static final int IDLE_SECONDS = 10;

    private final ThreadPoolExecutor threads =
            new ThreadPoolExecutor(
                    MOST_THREADS,
                    MOST_THREADS,
                    IDLE_SECONDS,
                    TimeUnit.SECONDS,
                    new LinkedBlockingQueue<>(),
                    Thread.ofPlatform().daemon().name("native-", 0).factory());

    public NativeThreads() {
        threads.allowCoreThreadTimeOut(true);
    }

    /**
     * Runs a task and waits for its end.
     *
     * @param what for the sentence of a failure: "hakod could not ..."
     * @throws DriverException as the task threw it; INTERNAL with the errno for a failed native
     *     call
     */
    public <T> T run(String what, Callable<T> task) {
        try {
            Future<T> running = threads.submit(task);
            return running.get();
        } catch (RejectedExecutionException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "hakod could not %s: it is stopping.".formatted(what),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DriverException(
                    FailureKind.CANCELLED,
                    "hakod was interrupted as it was to %s.".formatted(what),
                    e);
        } catch (ExecutionException e) {
            throw failure(what, e.getCause());
        }
    }

    private static DriverException failure(String what, Throwable cause) {
        return switch (cause) {
            case DriverException e -> e;
            case LastErrorException e ->
                    new DriverException(
                            FailureKind.INTERNAL,
                            "hakod could not %s: error %d (errno(3))."
                                    .formatted(what, e.getErrorCode()),
                            e);
            default ->
                    new DriverException(
                            FailureKind.INTERNAL,
                            "hakod could not %s: %s".formatted(what, cause),
                            cause);
        };
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }
}
