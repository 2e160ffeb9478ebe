// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.hako.itests.containerd.tasks.Status;
import io.hako.itests.machine.Await;
import io.hako.itests.machine.LongTests;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Residue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;
import org.junit.runner.RunWith;
import org.junit.runners.Parameterized;
import org.junit.runners.Parameterized.Parameters;

/**
 * kill -9 of each part, at each step of a pod's life under containerd. No pod is lost with a part
 * that it does not need; what cannot live is told as failed, with the cause; nothing is left. The
 * cells are printed; {@code -Dhako.cells=A,B} runs those.
 */
@RunWith(Parameterized.class)
public class CrashMatrixTest {
    private static final Node NODE = Node.withCrashingGuest();
    private static final Containerd CONTAINERD = new Containerd(NODE);

    @ClassRule public static final RuleChain RULES = RuleChain.outerRule(NODE).around(CONTAINERD);

    private static final int IN_CI = 20;
    private static final Executor THREADS = Thread::startVirtualThread;
    private static final String BYSTANDER = "bystander";
    private static Residue quiet;
    private static long bystander;

    private final Cell cell;
    private final String name;
    private final Crash crash;

    @Parameters(name = "{0}")
    public static List<Cell> cells() {
        String named = System.getProperty("hako.cells", "");
        if (!named.isEmpty()) {
            return List.of(named.split(",")).stream().map(Cell::parse).toList();
        }
        String commit = System.getProperty("hako.commit", "");
        List<Cell> cells = LongTests.asked() ? Cell.all() : Cell.chosen(commit, IN_CI);
        System.out.println("Crashes chosen by commit \"" + commit + "\": " + cells);
        return cells;
    }

    public CrashMatrixTest(Cell cell) {
        this.cell = cell;
        name = cell.toString().toLowerCase(java.util.Locale.ROOT).replace('_', '-');
        crash = new Crash(NODE, CONTAINERD, name);
    }

    /** A container that no crash but its own may touch. */
    @BeforeClass
    public static void aBystander() {
        CONTAINERD.runDetached(BYSTANDER, "sleep", "10000");
        bystander = CONTAINERD.pid(BYSTANDER);
        quiet = NODE.residue();
    }

    @Test
    public void nothingIsLostAndNothingLeft() {
        try (PodLife life = new PodLife(NODE, CONTAINERD, name)) {
            boolean ended = false;
            for (Step step : Step.values()) {
                if (!ended) {
                    ended = !reach(life, step);
                }
            }
            life.forget();
        }
        assertEquals(bystander, CONTAINERD.pid(BYSTANDER));
        CONTAINERD.awaitStatus(BYSTANDER, "RUNNING");
        NODE.nothingSince(quiet);
    }

    /**
     * Takes a step, with the crash if it is its time.
     *
     * @return whether the pod lives on
     */
    private boolean reach(PodLife life, Step step) {
        boolean now = step == cell.step();
        if (now && !cell.during()) {
            if (!cell.victim().podLives()) {
                failsBy(life, step, () -> crash.kill(cell.victim()));
                return false;
            }
            crash.kill(cell.victim());
            recover(life);
        }
        life.before(step);
        if (!now || !cell.during()) {
            life.take(step);
            return true;
        }
        if (cell.victim().podLives()) {
            lives(life, step);
            return true;
        }
        failsBy(
                life,
                step,
                () -> {
                    CompletableFuture<Void> call = cutOff(life, step);
                    // Whatever it is answered, it is answered.
                    call.handle((done, failure) -> done).join();
                });
        return false;
    }

    private void lives(PodLife life, Step step) {
        CompletableFuture<Void> call = cutOff(life, step);
        recover(life);
        if (cell.victim().cutsClient()) {
            call.handle((done, failure) -> done).join();
            life.takeAgain(step);
        } else {
            call.join();
        }
    }

    private void recover(PodLife life) {
        crash.recover(cell.victim());
        if (cell.victim().cutsClient()) {
            life.reconnect();
        }
    }

    /** Asks for a step, and kills while it is under way. */
    private CompletableFuture<Void> cutOff(PodLife life, Step step) {
        if (step != Step.CREATE_POD) {
            crash.hold();
        }
        CompletableFuture<Void> call = CompletableFuture.runAsync(() -> life.take(step), THREADS);
        PodJournal journal = CONTAINERD.journal(name);
        Await.until(
                step + " to be under way",
                Node.LIMIT,
                () ->
                        switch (step) {
                            case CREATE_POD -> journal.hasStep("boot");
                            case KILL_POD -> journal.machineWas("STOPPING");
                            default -> journal.isUnderWay(life.request(step));
                        },
                () -> call + "\n" + journal + CONTAINERD.log());
        if (step == Step.CREATE_POD && cell.victim() != Victim.AGENT) {
            crash.hold();
            assertTrue(journal.toString(), journal.isUnderWay(life.request(step)));
        }
        crash.kill(cell.victim());
        crash.release();
        return call;
    }

    /**
     * Demands that whatever runs in the pod is told as failed within a second of the crash; removes
     * the pod.
     */
    private void failsBy(PodLife life, Step step, Runnable crashing) {
        List<CompletableFuture<Integer>> waits = new ArrayList<>();
        List<String[]> running = new ArrayList<>();
        running(life, life.pod(), "", running);
        running(life, life.container(), "", running);
        running(life, life.container(), "more", running);
        for (String[] process : running) {
            waits.add(
                    CompletableFuture.supplyAsync(
                            () -> life.tasks().await(process[0], process[1]), THREADS));
        }
        crashing.run();
        waits.forEach(this::failed);
        if (step != Step.KILL_POD && !running.isEmpty()) {
            hasCause();
        }
        remove(life, life.container());
        remove(life, life.pod());
    }

    private static void running(
            PodLife life, String container, String exec, List<String[]> running) {
        life.status(container, exec)
                .filter(status -> status != Status.STOPPED)
                .ifPresent(status -> running.add(new String[] {container, exec}));
    }

    /** By an exit code other than 0, or where its shim is gone, by an error. */
    private void failed(CompletableFuture<Integer> wait) {
        try {
            assertNotEquals(0, (int) wait.join());
        } catch (CompletionException e) {
            if (cell.victim() != Victim.SHIM) {
                throw e;
            }
        }
    }

    private void hasCause() {
        Pattern cause =
                Pattern.compile(
                        "Sandbox "
                                + Pattern.quote(CONTAINERD.owner(name))
                                + ":.*"
                                + Pattern.quote(cell.victim().cause()),
                        Pattern.CASE_INSENSITIVE);
        Await.until(
                "the cause in the log",
                Duration.ofSeconds(1),
                () -> cause.matcher(NODE.logText()).find(),
                NODE::logText);
        Matcher told =
                Pattern.compile(
                                Pattern.quote(CONTAINERD.owner(name))
                                        + ": whoever waits was told (\\d+) ms after")
                        .matcher(NODE.logText());
        if (told.find()) {
            assertTrue(told.group(), Long.parseLong(told.group(1)) <= 1000);
        }
    }

    private static void remove(PodLife life, String container) {
        Await.until(
                container + " to be removed",
                Node.LIMIT,
                () -> {
                    try {
                        if (life.status(container, "").isEmpty()) {
                            return true;
                        }
                        assertNotEquals(0, life.tasks().delete(container));
                    } catch (StatusRuntimeException e) {
                        return e.getStatus().getCode() == Code.NOT_FOUND;
                    }
                    return life.status(container, "").isEmpty();
                },
                CONTAINERD::log);
    }
}
