// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static io.hako.sandbox.pod.Bench.OWNER;
import static io.hako.sandbox.pod.Bench.WEB;
import static io.hako.sandbox.pod.Bench.call;
import static io.hako.sandbox.pod.Bench.eventually;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.ProcessState;
import io.hako.sandbox.SandboxView;
import io.hako.sandbox.fake.FakeOutside;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** A daemon is killed while a pod runs, and the next one finds it. */
public class AdoptionTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;
    private Bench.Run first;
    private int pid;

    @Before
    public void start() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
        first = bench.start();
        pid = first.run("web");
    }

    @Test
    public void whatRunsIsAdoptedAndItsExitIsTold() {
        first.exec("web", "probe");
        first.kill();
        Bench.Run next = bench.start();
        assertEquals(List.of(pid), List.of(adopted(next).vmmPid()));
        assertEquals(
                ProcessState.Status.RUNNING,
                next.service.state(OWNER, new ProcessId("web", "probe")).status());
        bench.outside.agent().end("web", "probe", 3);
        assertEquals(3, next.await(new ProcessId("web", "probe")).status());
        bench.outside.agent().end("web", "", 5);
        assertEquals(5, next.await(WEB).status());
        end(next);
    }

    @Test
    public void anExitWhileNoDaemonRanIsToldTrue() {
        first.kill();
        bench.outside.agent().end("web", "", 42);
        Bench.Run next = bench.start();
        ProcessExit exit = next.await(WEB);
        assertEquals(42, exit.status());
        assertEquals(pid, exit.pid());
        end(next);
    }

    @Test
    public void aMachineThatDiedWhileNoDaemonRanIsNeverAnExitOfZero() {
        first.kill();
        bench.outside.end(FakeOutside.VMM, new ExitStatus.Exited(0));
        bench.outside.end("share-0", new ExitStatus.Exited(0));
        Bench.Run next = bench.start();
        ProcessExit exit = next.await(WEB);
        assertEquals(137, exit.status());
        assertEquals("The monitor ended by itself with status 0.", exit.reason());
        end(next);
    }

    @Test
    public void whatCannotBeAdoptedRunsOnInQuarantineUntilItIsKilled() {
        first.kill();
        Bench.Run next = bench.begin(daemon -> {});
        next.drivers.refuseAdoption(
                new DriverException(FailureKind.UNSUPPORTED, "Its state has schema 9."));
        next.link();
        eventually(
                "it is quarantined",
                () -> next.service.list().getFirst().state() == SandboxView.State.QUARANTINED);
        assertEquals("Its state has schema 9.", next.service.list().getFirst().reason());
        assertTrue(bench.outside.left().toString(), bench.outside.left().contains("process vmm"));
        DriverException term =
                assertThrows(
                        DriverException.class,
                        () -> next.service.kill(next.key(), WEB, 15, false, call()));
        assertEquals(
                "Sandbox hako@web is quarantined (Its state has schema 9.): only signal 9 can be sent, which ends its virtual"
                        + " machine.",
                term.getMessage());
        next.service.kill(next.key(), WEB, 9, false, call());
        assertEquals(137, next.await(WEB).status());
        end(next);
    }

    @Test
    public void aQuarantinedSandboxIsTriedAgainByTheNextDaemon() {
        first.kill();
        Bench.Run refused = bench.begin(daemon -> {});
        refused.drivers.refuseAdoption(
                new DriverException(FailureKind.UNSUPPORTED, "Its state has schema 9."));
        refused.link();
        eventually(
                "it is quarantined",
                () -> refused.service.list().getFirst().state() == SandboxView.State.QUARANTINED);
        refused.kill();
        Bench.Run next = bench.start();
        adopted(next);
        assertEquals("", next.service.list().getFirst().reason());
    }

    @Test
    public void aShimThatDiedMeanwhileLeavesNothing() {
        first.kill();
        bench.outside.killShim();
        Bench.Run next = bench.begin(daemon -> {});
        eventually("nothing is left", () -> bench.isClean() && next.service.list().isEmpty());
    }

    @Test
    public void aJournalThatCannotBeReadIsShownAndLeftAlone() throws IOException {
        first.kill();
        String newer = Files.readString(bench.journal()).replace("\"v\":2", "\"v\":99");
        Files.writeString(bench.journal(), newer);
        Bench.Run next = bench.start();
        SandboxView view = next.service.list().getFirst();
        assertEquals(SandboxView.State.QUARANTINED, view.state());
        assertEquals(
                "The journal "
                        + bench.journal()
                        + " has format 99, but this hako reads up to 2: start the newer hako that wrote it.",
                view.reason());
        assertEquals(newer, Files.readString(bench.journal()));
        assertTrue(bench.outside.left().toString(), bench.outside.left().contains("process vmm"));
    }

    @Test
    public void aStopOfTheDaemonLeavesThePodAsItIs() {
        List<String> before = bench.outside.left();
        first.service.deactivate();
        assertEquals(before, bench.outside.left());
        first.kill();
        adopted(bench.start());
    }

    private static SandboxView adopted(Bench.Run run) {
        run.service.stats(OWNER, "web", call()); // waits until adoption is over
        SandboxView view = run.service.list().getFirst();
        assertEquals(SandboxView.State.RUNNING, view.state());
        return view;
    }

    private void end(Bench.Run run) {
        run.service.delete(run.key(), WEB, call());
        run.shutdown();
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }
}
