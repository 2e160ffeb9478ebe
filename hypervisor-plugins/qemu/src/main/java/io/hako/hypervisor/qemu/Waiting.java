// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits within a call. */
final class Waiting {
    private Waiting() {}

    /**
     * Waits for a value until the call's end.
     *
     * @throws DriverException the one that the future failed with; DEADLINE_EXCEEDED or CANCELLED
     *     as the call says
     */
    static <T> T await(CompletableFuture<T> future, String what, Call call) {
        return atMost(call.remaining(), future, call)
                .orElseThrow(
                        () -> {
                            call.checkCancelled();
                            return new DriverException(
                                    FailureKind.DEADLINE_EXCEEDED,
                                    "No time was left to wait for %s.".formatted(what));
                        });
    }

    /** The same, but gives up after some time with nothing. */
    static <T> Optional<T> atMost(Duration patience, CompletableFuture<T> future, Call call) {
        CompletableFuture<T> own = future.copy();
        Duration limit = patience.compareTo(call.remaining()) < 0 ? patience : call.remaining();
        try (Call.Registration _ = call.onCancelled(() -> own.cancel(false))) {
            return Optional.of(own.get(limit.toNanos(), TimeUnit.NANOSECONDS));
        } catch (TimeoutException e) {
            return Optional.empty();
        } catch (ExecutionException e) {
            throw failure(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw cancelled();
        } catch (java.util.concurrent.CancellationException e) {
            throw cancelled();
        }
    }

    private static DriverException cancelled() {
        return new DriverException(
                FailureKind.CANCELLED, "The caller gave up while QEMU was waited for.");
    }

    /** A new one, with the stack of the thread that waited. */
    private static DriverException failure(Throwable cause) {
        return cause instanceof DriverException known
                ? new DriverException(known.failure(), known.getMessage(), known)
                : new DriverException(FailureKind.INTERNAL, "Waiting for QEMU failed.", cause);
    }
}
