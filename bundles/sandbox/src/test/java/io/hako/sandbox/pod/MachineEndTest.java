// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

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
import io.hako.sandbox.SandboxView;
import io.hako.sandbox.fake.FakeOutside;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** What is reported, and what is left, when a machine or a part of its start fails. */
public class MachineEndTest {
    private static final String KILLED = "The monitor was ended by signal 9.";

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;
    private Bench.Run hakod;

    @Before
    public void start() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
        hakod = bench.start();
    }

    @Test
    public void aKilledMonitorEndsItsContainersWithinASecondAndWithTheCause() throws Exception {
        hakod.run("web");
        hakod.run("side");
        hakod.exec("web", "probe");
        List<CompletableFuture<ProcessExit>> waiters =
                List.of(
                        hakod.awaiting(WEB),
                        hakod.awaiting(ProcessId.first("side")),
                        hakod.awaiting(new ProcessId("web", "probe")));
        bench.outside.end(FakeOutside.VMM, new ExitStatus.Signalled(9));
        for (CompletableFuture<ProcessExit> waiter : waiters) {
            ProcessExit exit = waiter.get(1, TimeUnit.SECONDS);
            assertEquals(137, exit.status());
            assertEquals(KILLED, exit.reason());
        }
        eventually(
                "all processes are gone",
                () -> bench.outside.left().stream().noneMatch(left -> left.startsWith("process")));
        eventually(
                "the reason is shown",
                () -> hakod.service.list().getFirst().reason().equals(KILLED));
        assertEquals(SandboxView.State.STOPPED, hakod.service.list().getFirst().state());
        assertTrue(hakod.service.inspect("web").contains(KILLED));
        end();
    }

    @Test
    public void aFileServerThatEndsTakesTheMachineWithItAndIsNamed() throws Exception {
        hakod.run("web");
        CompletableFuture<ProcessExit> waiter = hakod.awaiting(WEB);
        bench.outside.end("share-0", new ExitStatus.Exited(1));
        ProcessExit exit = waiter.get(2, TimeUnit.SECONDS);
        assertEquals(137, exit.status());
        assertEquals(
                "The process share-0 ended with status 1, and the virtual machine cannot go on without it.",
                exit.reason());
        hakod.service.delete(hakod.key(), WEB, call());
        hakod.shutdown();
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void aContainerThatTheAgentRefusesIsUndoneAndTheRefusalPassesThrough() {
        bench.outside.onBoot(
                () ->
                        bench.outside
                                .agent()
                                .refuseNext(
                                        new DriverException(
                                                FailureKind.NOT_FOUND,
                                                "Command not found: nosuch")));
        DriverException failure = assertThrows(DriverException.class, () -> hakod.create("web"));
        assertEquals(FailureKind.NOT_FOUND, failure.failure());
        assertEquals("Command not found: nosuch", failure.getMessage());
        assertTrue(bench.outside.left().toString(), bench.isClean());
        assertEquals(List.of(), hakod.service.list());
        hakod.shutdown();
        assertTrue(bench.outside.hasQuit());
    }

    @Test
    public void aFurtherContainerThatIsRefusedLeavesTheOthersAlone() {
        hakod.run("web");
        List<String> before = bench.outside.left();
        bench.outside.agent().refuseNext(new DriverException(FailureKind.INVALID_REQUEST, "No."));
        assertEquals(
                "No.",
                assertThrows(DriverException.class, () -> hakod.create("side")).getMessage());
        assertEquals(before, bench.outside.left());
        hakod.run("side");
        assertEquals(SandboxView.State.RUNNING, hakod.service.list().getFirst().state());
    }

    @Test
    public void aMachineThatEndsBeforeItsAgentAnswersIsAFailureWithTheCause() {
        bench.outside.mute();
        CompletableFuture<DriverException> failure =
                CompletableFuture.supplyAsync(
                        () -> assertThrows(DriverException.class, () -> hakod.create("web")));
        eventually(
                "the root file system is mounted while the guest boots",
                () -> bench.outside.left().contains("mount share/web/rootfs"));
        bench.outside.end(FakeOutside.VMM, new ExitStatus.Signalled(9));
        assertEquals(
                "The virtual machine ended before its agent answered: " + KILLED,
                failure.join().getMessage());
        assertEquals(FailureKind.UNAVAILABLE, failure.join().failure());
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void aShimThatIsKilledTakesEverythingWithIt() {
        hakod.run("web");
        bench.outside.killShim();
        hakod.shims.find(Bench.OWNER).ifPresent(hakod.shims::remove);
        eventually("nothing is left", () -> bench.isClean() && hakod.service.list().isEmpty());
    }

    private void end() {
        hakod.service.delete(hakod.key(), WEB, call());
        hakod.service.delete(hakod.key(), ProcessId.first("side"), call());
        hakod.shutdown();
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }
}
