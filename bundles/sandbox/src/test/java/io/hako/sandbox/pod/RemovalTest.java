// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static io.hako.sandbox.pod.Bench.OWNER;
import static io.hako.sandbox.pod.Bench.WEB;
import static io.hako.sandbox.pod.Bench.call;
import static io.hako.sandbox.pod.Bench.eventually;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.fake.node.FakeCall;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.SandboxView;
import io.hako.sandbox.fake.Daemon;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** What is left of a sandbox cannot be taken away at once. */
public class RemovalTest {
    private static final int ALWAYS = Integer.MAX_VALUE;
    private static final String BUSY = "Processes [4711] in cgroup /hako/web do not end.";
    private static final String DEAD = "Its shim ended, and its virtual machine with it.";
    private static final String DEAD_MEANWHILE =
            "Its shim ended while no daemon ran, and its virtual machine with it.";

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;
    private Bench.Run hakod;

    @Before
    public void start() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
        hakod = bench.start();
    }

    @Test
    public void aDeadShimsSandboxIsShownAsItIsWhileWhatIsLeftCannotBeTakenAway() throws Exception {
        hakod.run("web");
        CompletableFuture<ProcessExit> waiter = hakod.awaiting(WEB);
        bench.outside.busy(ALWAYS);
        dieWithShim();
        ProcessExit exit = waiter.get(5, TimeUnit.SECONDS);
        assertEquals(137, exit.status());
        assertEquals(DEAD, exit.reason());
        eventually("it was tried twice", () -> failedAttempts(hakod) > 1);
        assertStoppedBy(DEAD, hakod);
        JsonObject seen = inspected(hakod);
        assertEquals(BUSY, seen.getAsJsonObject("removal").get("reason").getAsString());
        assertTrue(seen.toString(), seen.get("effects").toString().contains("/hako/web"));
        bench.outside.busy(0);
        eventually("nothing is left", this::nothingIsLeft);
    }

    @Test
    public void aShimThatLosesItsLinkAMomentBeforeItIsDeadIsFoundDead() throws Exception {
        hakod.run("web");
        CompletableFuture<ProcessExit> waiter = hakod.awaiting(WEB);
        int before = bench.outside.glances();
        hakod.shims.remove(hakod.shims.find(OWNER).orElseThrow());
        eventually("it was seen alive", () -> bench.outside.glances() > before);
        bench.outside.killShim();
        assertEquals(DEAD, waiter.get(5, TimeUnit.SECONDS).reason());
        eventually("nothing is left", this::nothingIsLeft);
    }

    @Test
    public void soIsOneWhoseShimDiedWhileNoDaemonRan() {
        hakod.run("web");
        hakod.kill();
        bench.outside.killShim();
        bench.outside.busy(ALWAYS);
        hakod = bench.begin(daemon -> {});
        eventually("it was tried twice", () -> failedAttempts(hakod) > 1);
        assertStoppedBy(DEAD_MEANWHILE, hakod);
        bench.outside.busy(2);
        eventually("nothing is left", this::nothingIsLeft);
    }

    @Test
    public void theNextDaemonGoesOnAndTellsTheSameCause() {
        hakod.run("web");
        bench.outside.busy(ALWAYS);
        dieWithShim();
        eventually("it was tried", () -> failedAttempts(hakod) > 0);
        hakod.service.deactivate();
        hakod.kill();
        hakod = bench.begin(daemon -> {});
        eventually("it is tried again", () -> failedAttempts(hakod) > 0);
        assertStoppedBy(DEAD, hakod);
        bench.outside.busy(0);
        eventually("nothing is left", this::nothingIsLeft);
    }

    @Test
    public void aSandboxOfTheSameNameWaitsUntilNothingIsLeftOfTheEarlierOne() throws Exception {
        hakod.run("web");
        bench.outside.busy(ALWAYS);
        dieWithShim();
        eventually("it was tried", () -> failedAttempts(hakod) > 0);
        bench.outside.reviveShim();
        hakod.link("beef");
        DriverException late =
                assertThrows(
                        DriverException.class,
                        () ->
                                hakod.service.create(
                                        hakod.key(),
                                        hakod.task("web"),
                                        FakeCall.within(Duration.ofMillis(50))));
        assertEquals(FailureKind.DEADLINE_EXCEEDED, late.failure());
        assertEquals(
                "What is left of the earlier sandbox hako@web could not be taken away in time: "
                        + BUSY,
                late.getMessage());
        CompletableFuture<Integer> patient = CompletableFuture.supplyAsync(() -> hakod.run("web"));
        bench.outside.busy(0);
        assertTrue(patient.get(5, TimeUnit.SECONDS) > 0);
        assertEquals(SandboxView.State.RUNNING, hakod.service.list().getFirst().state());
        assertFalse(inspected(hakod).has("removal"));
    }

    @Test
    public void aShutdownThatFailsIsToldAndFinishedLater() {
        end();
        bench.outside.busy(3);
        assertEquals(BUSY, assertThrows(DriverException.class, hakod::shutdown).getMessage());
        eventually("nothing is left", this::nothingIsLeft);
        eventually("the shim has quit", bench.outside::hasQuit);
    }

    @Test
    public void shutdownsThatFailAskTheShimToQuitOnce() {
        end();
        bench.outside.busy(ALWAYS);
        for (int shutdown = 0; shutdown < 4; shutdown++) {
            assertEquals(BUSY, assertThrows(DriverException.class, hakod::shutdown).getMessage());
        }
        bench.outside.busy(0);
        eventually("nothing is left", this::nothingIsLeft);
        eventually("the shim has quit", bench.outside::hasQuit);
        hakod.shutdown();
        assertEquals("for the failed ones, and for the last", 2, bench.outside.quits());
    }

    @Test
    public void aLaterShimOfTheSameIdDoesNotQuitForAnEarlierOne() {
        end();
        Runnable quit = hakod.service.shutdown(hakod.key(), false, call()).orElseThrow();
        hakod.link("later");
        quit.run();
        assertFalse("the later shim was asked to quit", bench.outside.hasQuit());
    }

    private void end() {
        hakod.run("web");
        bench.outside.agent().end("web", "", 0);
        hakod.await(WEB);
        hakod.service.delete(hakod.key(), WEB, call());
    }

    @Test
    public void aStartThatWasCutOffIsUndoneInTheEnd() {
        hakod.kill();
        hakod =
                bench.begin(
                        daemon -> {
                            if (bench.outside.left().contains("process vmm")) {
                                daemon.cut();
                            }
                        });
        hakod.link();
        assertThrows(Daemon.Cut.class, () -> hakod.create("web"));
        bench.outside.busy(3);
        hakod = bench.start();
        eventually("nothing is left", this::nothingIsLeft);
    }

    @Test
    public void pausesDoubleUpToTheLongest() {
        Retries retries = new Retries(Duration.ofSeconds(1), Duration.ofMinutes(1));
        assertEquals(
                List.of(1L, 2L, 4L, 32L, 60L, 60L),
                List.of(1, 2, 3, 6, 7, Integer.MAX_VALUE).stream()
                        .map(failures -> retries.after(failures).toSeconds())
                        .toList());
    }

    @Test
    public void aStopOfTheDaemonEndsAPause() throws Exception {
        Retries retries = new Retries(Duration.ofMinutes(1), Duration.ofMinutes(1));
        CompletableFuture<Boolean> pause = CompletableFuture.supplyAsync(() -> retries.pause(1));
        retries.close();
        assertFalse(pause.get(5, TimeUnit.SECONDS));
    }

    private void dieWithShim() {
        bench.outside.killShim();
        hakod.shims.remove(hakod.shims.find(OWNER).orElseThrow());
    }

    private boolean nothingIsLeft() {
        return bench.isClean() && hakod.service.list().isEmpty();
    }

    private static void assertStoppedBy(String cause, Bench.Run run) {
        SandboxView view = run.service.list().getFirst();
        assertEquals(SandboxView.State.STOPPED, view.state());
        assertEquals(cause, view.reason());
        assertEquals(0, view.vmmPid());
        assertEquals(137, view.exit().orElseThrow().status());
    }

    private static int failedAttempts(Bench.Run run) {
        if (run.service.list().isEmpty() || !inspected(run).has("removal")) {
            return 0;
        }
        return inspected(run).getAsJsonObject("removal").get("failed_attempts").getAsInt();
    }

    private static JsonObject inspected(Bench.Run run) {
        return JsonParser.parseString(run.service.inspect("web")).getAsJsonObject();
    }
}
