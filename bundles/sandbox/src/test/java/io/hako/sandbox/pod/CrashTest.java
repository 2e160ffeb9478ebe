// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static io.hako.sandbox.pod.Bench.OWNER;
import static io.hako.sandbox.pod.Bench.WEB;
import static io.hako.sandbox.pod.Bench.call;
import static io.hako.sandbox.pod.Bench.eventually;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.sandbox.SandboxView;
import io.hako.sandbox.fake.Daemon;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/**
 * The daemon is cut off at every point of a pod's life: right before each line of the journal (what
 * the line before announced is done) and right after it (what it announces is not). The next daemon
 * finds the same outside world.
 */
public class CrashTest {
    /** More lines than any life has: a bound for a life that never gets through. */
    private static final int MANY = 300;

    /** Of the first cut's points, every so many is followed by all second ones. */
    private static final int EVERY = 41;

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Thread.UncaughtExceptionHandler before;

    @Before
    public void ignoreThreadsThatAreCutOff() {
        before = Thread.getDefaultUncaughtExceptionHandler();
        Thread.setDefaultUncaughtExceptionHandler(
                (thread, failure) -> {
                    if (!(failure instanceof Daemon.Cut)) {
                        failure.printStackTrace();
                    }
                });
    }

    @After
    public void restoreHandler() {
        Thread.setDefaultUncaughtExceptionHandler(before);
    }

    /** The shim sends again what was not answered, so the caller never notices. */
    @Test
    public void aPodThatIsAskedForAgainLivesItsLifeOnce() throws IOException {
        int points =
                everyPoint(
                        Life::ofContainer,
                        (bench, life, next) -> {
                            life.go(next);
                            assertTrue(bench.outside.left().toString(), bench.isClean());
                            assertEquals(List.of(), next.service.list());
                        });
        assertTrue("points: " + points, points > 60);
    }

    /**
     * The same for a sandbox, a container in it, and the end of both by a signal to the sandbox.
     */
    @Test
    public void aPodOfAnOrchestratorLivesItsLifeOnceToo() throws IOException {
        int points =
                everyPoint(
                        Life::ofPod,
                        (bench, life, next) -> {
                            life.go(next);
                            assertTrue(bench.outside.left().toString(), bench.isClean());
                            assertEquals(List.of(), next.service.list());
                        });
        assertTrue("points: " + points, points > 60);
    }

    /**
     * The caller died with the daemon: what was started is adopted whole, or gone without a trace.
     */
    @Test
    public void aPodThatNobodyAsksForAgainIsAdoptedOrGone() throws IOException {
        everyPoint(
                Life::ofContainer,
                (bench, life, next) -> {
                    eventually("adoption is over", () -> settled(next));
                    List<SandboxView> views = next.service.list();
                    if (views.isEmpty()) {
                        assertTrue(bench.outside.left().toString(), bench.isClean());
                        return;
                    }
                    SandboxView view = views.getFirst();
                    assertTrue(
                            view.toString(),
                            List.of(
                                            SandboxView.State.CREATED,
                                            SandboxView.State.RUNNING,
                                            SandboxView.State.STOPPED)
                                    .contains(view.state()));
                    if (view.state() != SandboxView.State.STOPPED) {
                        killUnlessEnded(next);
                        assertTrue(next.await(WEB).status() > 0);
                    }
                    deleteIfThere(next);
                    next.shutdown();
                    assertTrue(bench.outside.left().toString(), bench.isClean());
                });
    }

    /**
     * Cut off between a process's end and the line that tells it, the next daemon learns of the end
     * a moment after it took the pod up: then there is nobody to kill, and the exit must be there.
     */
    private static void killUnlessEnded(Bench.Run next) {
        try {
            next.service.kill(next.key(), WEB, 9, true, call());
        } catch (DriverException e) {
            assertEquals(e.getMessage(), FailureKind.NOT_FOUND, e.failure());
            assertTrue(e.getMessage(), next.service.list().getFirst().exit().isPresent());
        }
    }

    /**
     * The daemon that takes the pod up again is cut off too, at each of its own points, and the
     * third one ends the life.
     */
    @Test
    public void aDaemonThatIsCutOffWhileItTakesUpThePodLosesNothingEither() throws IOException {
        int all = 0;
        for (int point = 3; point < MANY; point += EVERY) {
            int second = 1;
            while (cutTwice(point, second)) {
                second++;
            }
            all += second;
        }
        assertTrue("points: " + all, all > 30);
    }

    /**
     * @return false if one of the two daemons got through its part before the cut
     */
    private boolean cutTwice(int point, int second) throws IOException {
        Function<Bench, Life> lives = Life::ofContainer;
        Bench bench = bench("t" + point + "-" + second);
        Life life = lives.apply(bench);
        if (!wasCut(life, cutAt(bench, point))) {
            return false;
        }
        boolean again = wasCut(life, cutAt(bench, second));
        Bench.Run last = bench.start();
        try {
            life.go(last);
            assertTrue(bench.outside.left().toString(), bench.isClean());
        } catch (DriverException | AssertionError e) {
            throw new AssertionError(
                    "cut at points " + point + " and then " + second + ": " + e.getMessage(), e);
        }
        return again;
    }

    /** With all that a pod can have on the host. */
    private Bench bench(String name) throws IOException {
        Bench bench = new Bench(folder.newFolder(name).toPath());
        bench.network("veth");
        return bench;
    }

    private interface Aftermath {
        void check(Bench bench, Life life, Bench.Run next) throws IOException;
    }

    /**
     * @return how many points there were
     */
    private int everyPoint(Function<Bench, Life> lives, Aftermath aftermath) throws IOException {
        for (int point = 1; point < MANY; point++) {
            Bench bench = bench("p" + point);
            Bench.Run cutOff = cutAt(bench, point);
            Life life = lives.apply(bench);
            if (!wasCut(life, cutOff)) {
                return point - 1;
            }
            Bench.Run next = bench.start();
            try {
                aftermath.check(bench, life, next);
            } catch (DriverException | AssertionError e) {
                throw new AssertionError(
                        "cut at point "
                                + point
                                + ": "
                                + e.getMessage()
                                + java.nio.file.Files.readString(bench.journal()),
                        e);
            }
        }
        throw new AssertionError("A life had more than " + MANY + " points.");
    }

    /** Odd points are before a line of the journal, even ones after it. */
    private static Bench.Run cutAt(Bench bench, int point) {
        AtomicInteger passed = new AtomicInteger();
        return bench.begin(
                daemon -> {
                    if (passed.incrementAndGet() == point) {
                        daemon.cut();
                    }
                });
    }

    private static boolean wasCut(Life life, Bench.Run run) {
        try {
            run.link();
            life.go(run);
            return run.daemon.isCut();
        } catch (Daemon.Cut e) {
            return true;
        } catch (DriverException e) {
            if (run.daemon.isCut()) {
                return true; // another thread of the daemon was cut off, and this one never got its
                // answer
            }
            throw e;
        }
    }

    private static boolean settled(Bench.Run run) {
        try {
            run.service.resume(OWNER, "web", call());
            return true;
        } catch (DriverException e) {
            return e.failure() != FailureKind.DEADLINE_EXCEEDED;
        }
    }

    private static void deleteIfThere(Bench.Run run) {
        try {
            run.service.delete(run.key(), WEB, call());
        } catch (DriverException e) {
            assertEquals(FailureKind.NOT_FOUND, e.failure());
        }
    }
}
