// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import com.google.gson.JsonObject;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.SupervisedProcess;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;

/**
 * QEMU's process. Each task connects to its QMP socket anew and disconnects when done, which takes
 * a millisecond: QEMU talks to one client at a time, and so neither a forgotten handle nor another
 * version of the driver is ever in the way, and no thread lives longer than a call.
 */
final class Monitor {
    /**
     * How long QEMU may take to greet: it answers in milliseconds unless it hangs, or is busy with
     * a large machine.
     */
    private static final Duration LONGEST_SILENCE = Duration.ofSeconds(10);

    /**
     * The shim holds QEMU's listening socket, so a QEMU that ends before it listens shows in
     * nothing but its exit.
     */
    private static final Duration EXIT_CHECK = Duration.ofMillis(50);

    /** Between the end of QEMU's connection and that of its process there is but its clean-up. */
    private static final Duration CLEANUP_CHECK = Duration.ofMillis(5);

    private static final int SIGKILL = 9;

    private final SupervisedProcess process;
    private final DriverContext context;

    Monitor(SupervisedProcess process, DriverContext context) {
        this.process = process;
        this.context = context;
    }

    /**
     * The control socket's place in a handle's workspace: a short name, since the whole path has a
     * limit.
     */
    static Path socket(DriverContext context) {
        return context.workspace().resolve("qmp.sock");
    }

    boolean hasEnded() {
        return process.exit().isPresent();
    }

    /**
     * Begins a conversation, to be closed by the caller.
     *
     * @throws DriverException FAILED_PRECONDITION if QEMU has ended; UNAVAILABLE if it does not
     *     greet, or ends before it does
     */
    QmpConnection connect(Call call) {
        return connect(LONGEST_SILENCE, call);
    }

    /** Has QEMU end itself; returns whether it did so in this time. */
    boolean quits(Duration patience, Call call) {
        long giveUp = System.nanoTime() + patience.toNanos();
        try (QmpConnection qmp = connect(patience, call)) {
            qmp.execute("quit", new JsonObject(), call);
            Waiting.atMost(patience, qmp.ended(), call);
        } catch (DriverException e) {
            if (e.failure() == FailureKind.CANCELLED) {
                throw e;
            }
            return hasEnded();
        }
        while (!hasEnded() && System.nanoTime() - giveUp < 0) {
            call.checkCancelled();
            LockSupport.parkNanos(CLEANUP_CHECK.toNanos());
        }
        return hasEnded();
    }

    void kill() {
        process.kill(SIGKILL);
    }

    void awaitEnd(Call call) {
        process.awaitExit(call);
    }

    private QmpConnection connect(Duration patience, Call call) {
        if (hasEnded()) {
            throw new DriverException(FailureKind.FAILED_PRECONDITION, "The machine has ended.");
        }
        QmpConnection connection =
                QmpConnection.over(context.host().connect(socket(context), call));
        try {
            awaitGreeting(connection, patience, call);
            connection.demand("qmp_capabilities", new JsonObject(), call);
            return connection;
        } catch (DriverException e) {
            connection.close();
            throw hasEnded() ? endedBeforeItAnswered() : e;
        }
    }

    private void awaitGreeting(QmpConnection connection, Duration patience, Call call) {
        long giveUp = System.nanoTime() + patience.toNanos();
        while (Waiting.atMost(EXIT_CHECK, connection.greeting(), call).isEmpty()) {
            call.checkCancelled();
            if (hasEnded()) {
                throw endedBeforeItAnswered();
            }
            if (System.nanoTime() - giveUp > 0) {
                throw new DriverException(
                        FailureKind.UNAVAILABLE,
                        "QEMU with pid %d lives but did not answer on its control socket within %d ms."
                                .formatted(process.pid(), patience.toMillis()));
            }
        }
    }

    private DriverException endedBeforeItAnswered() {
        String output = new String(process.output(), StandardCharsets.UTF_8);
        return new DriverException(
                FailureKind.UNAVAILABLE,
                "QEMU ended before it was ready (%s).%s"
                        .formatted(
                                process.exit()
                                        .map(QemuExit::describe)
                                        .orElse("it is not known how"),
                                QemuExit.lastWord(output)));
    }
}
