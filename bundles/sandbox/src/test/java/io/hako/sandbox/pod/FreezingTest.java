// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static io.hako.sandbox.pod.Bench.OWNER;
import static io.hako.sandbox.pod.Bench.WEB;
import static io.hako.sandbox.pod.Bench.call;
import static io.hako.sandbox.pod.CriPod.app;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.sandbox.CreateTask;
import io.hako.sandbox.ProcessState.Status;
import java.io.IOException;
import java.util.List;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;
import org.junit.rules.TemporaryFolder;

/** Pods and containers that stand still. */
public class FreezingTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;
    private Bench.Run hakod;

    @Before
    public void aPodOfThree() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
        CriPod pod = new CriPod(bench);
        hakod = bench.start();
        run(pod.sandbox());
        run(pod.container("app", 64L << 20));
        run(pod.container("side", 64L << 20));
    }

    @Test
    public void theSandboxStandsForAllOfItsPod() {
        hakod.service.pause(OWNER, "web", call());
        assertEquals(List.of(Status.PAUSED, Status.PAUSED, Status.PAUSED), statuses());
        hakod.service.resume(OWNER, "web", call());
        assertEquals(List.of(Status.RUNNING, Status.RUNNING, Status.RUNNING), statuses());
    }

    @Test
    public void whatWasPausedByItselfStaysSo() {
        hakod.service.pause(OWNER, "side", call());
        hakod.service.pause(OWNER, "web", call());
        failure(
                FailureKind.FAILED_PRECONDITION,
                "Container side cannot be resumed: its pod is paused; resume the sandbox first.",
                () -> hakod.service.resume(OWNER, "side", call()));
        hakod.service.resume(OWNER, "web", call());
        assertEquals(List.of(Status.RUNNING, Status.RUNNING, Status.PAUSED), statuses());
    }

    @Test
    public void theNextDaemonResumesAPausedPod() {
        hakod.service.pause(OWNER, "web", call());
        hakod.kill();
        hakod = bench.start();
        hakod.service.stats(OWNER, "web", call()); // waits until adoption is over
        assertEquals(List.of(Status.PAUSED, Status.PAUSED, Status.PAUSED), statuses());
        hakod.service.resume(OWNER, "web", call());
        assertEquals(List.of(Status.RUNNING, Status.RUNNING, Status.RUNNING), statuses());
    }

    @Test
    public void aPauseThatTheGuestDoesNotManageInTimeIsNone() {
        DriverException late =
                new DriverException(FailureKind.DEADLINE_EXCEEDED, "The guest did not finish.");
        for (String container : List.of("app", "web")) {
            bench.outside
                    .agent()
                    .before(
                            container.equals("web") ? "pause " : "pause " + container,
                            () -> {
                                throw late;
                            });
            failure(
                    late.failure(),
                    late.getMessage(),
                    () -> hakod.service.pause(OWNER, container, call()));
            assertEquals(List.of(Status.RUNNING, Status.RUNNING, Status.RUNNING), statuses());
            hakod.service.pause(OWNER, container, call());
            assertEquals(Status.PAUSED, hakod.service.state(OWNER, app(container)).status());
            hakod.service.resume(OWNER, container, call());
        }
    }

    private List<Status> statuses() {
        return List.of(WEB, app("app"), app("side")).stream()
                .map(process -> hakod.service.state(OWNER, process).status())
                .toList();
    }

    private void run(CreateTask task) {
        hakod.service.create(hakod.key(), task, call());
        hakod.service.start(hakod.key(), app(task.container()), call());
    }

    private static void failure(FailureKind kind, String sentence, ThrowingRunnable work) {
        DriverException failure = assertThrows(DriverException.class, work);
        assertEquals(sentence, failure.getMessage());
        assertEquals(kind, failure.failure());
    }
}
