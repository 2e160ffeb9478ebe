// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes a sandbox away. What fails is tried again, with growing pauses, until nothing is left or
 * the daemon stops; the next one goes on from the journal. Thread-safe.
 */
final class Removal {
    private static final Logger LOG = LoggerFactory.getLogger(Removal.class);
    private static final Duration ATTEMPT_LIMIT = Duration.ofSeconds(30);

    private final Pod pod;
    private final AtomicBoolean begun = new AtomicBoolean();
    private final AtomicReference<Optional<Runnable>> afterwards =
            new AtomicReference<>(Optional.empty());
    private volatile Optional<Failed> failed = Optional.empty();

    Removal(Pod pod) {
        this.pod = pod;
    }

    /**
     * What stands in its way.
     *
     * @param attempts that have failed, from 1
     * @param why one sentence: the last one's failure
     */
    record Failed(int attempts, String why) {}

    /** Empty where nothing failed, or nothing is to be taken away. */
    Optional<Failed> failed() {
        return failed;
    }

    /** To a verb that may not begin in time. */
    String whyNotReady() {
        return failed().map(
                        failure ->
                                "What is left of the earlier sandbox %s could not be taken away in time: %s"
                                        .formatted(pod.owner(), failure.why()))
                .orElse(
                        "Sandbox %s is being taken up again and was not ready in time."
                                .formatted(pod.owner()));
    }

    /**
     * Returns when nothing is left or the daemon stops. The caller does not have the pod's order.
     */
    void run() {
        if (begun.compareAndSet(false, true)) {
            int failures = 0;
            while (!attempt(failures + 1) && pod.node().retries().pause(failures + 1)) {
                failures++;
            }
            finish();
        }
    }

    /**
     * After a failure: tries again, on a thread of its own.
     *
     * @param then done once the sandbox is taken away, by whichever attempt; the last one given
     */
    void goOn(DriverException failure, Runnable then) {
        note(1, failure);
        afterwards.set(Optional.of(then));
        Thread.ofVirtual()
                .name("remove " + pod.owner())
                .start(
                        () -> {
                            if (pod.node().retries().pause(1)) {
                                if (!pod.isGone()) {
                                    run();
                                }
                                finish();
                            }
                        });
    }

    /** Once, whoever comes first: those who run this attempt, or find it done by another. */
    private void finish() {
        if (pod.isGone()) {
            afterwards.getAndSet(Optional.empty()).ifPresent(Runnable::run);
        }
    }

    private boolean attempt(int number) {
        try {
            Call call = pod.node().retries().attempt(ATTEMPT_LIMIT);
            pod.locked(
                    () -> {
                        if (!pod.isGone()) {
                            takeAway(call);
                        }
                        return true;
                    });
        } catch (DriverException e) {
            note(number, e);
            return false;
        }
        if (failed.isPresent()) {
            LOG.info("Sandbox {}: what was left of it is taken away.", pod.owner());
        }
        failed = Optional.empty();
        return true;
    }

    /** By the shim that it has now: its own may have died, and another may have come by its id. */
    private void takeAway(Call call) {
        if (pod.node().shims().find(pod.owner()).isPresent()) {
            new Teardown(pod).everything(call);
        } else if (pod.node().remains().shimLives(pod.directory())) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The shim at %s lives but has not connected.".formatted(pod.directory()));
        } else {
            new Teardown(pod).withoutShim(call);
        }
    }

    private void note(int number, DriverException e) {
        boolean known = failed.map(Failed::why).filter(e.getMessage()::equals).isPresent();
        failed = Optional.of(new Failed(number, e.getMessage()));
        pod.events()
                .tell(
                        "remove-retry",
                        event -> event.because(e.getMessage()).with("failed_attempts", number));
        if (!known) {
            LOG.error(
                    "Sandbox {}: what is left of it cannot be taken away yet, which is tried again: {}",
                    pod.owner(),
                    e.getMessage());
        }
    }
}
