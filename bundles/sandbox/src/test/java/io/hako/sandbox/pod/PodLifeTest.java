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

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.guest.CgroupFigures;
import io.hako.sandbox.Overhead;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.ProcessState;
import io.hako.sandbox.RequestKey;
import io.hako.sandbox.SandboxView;
import io.hako.sandbox.TaskPid;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** A pod from its birth to its end, as containerd and an operator see it. */
public class PodLifeTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;
    private Bench.Run hakod;

    @Before
    public void start() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
        hakod = bench.start();
    }

    @Test
    public void aContainerIsCreatedRunsEndsAndLeavesNothing() throws Exception {
        int pid = hakod.create("web");
        assertEquals(ProcessState.Status.CREATED, hakod.service.state(OWNER, WEB).status());
        assertEquals(pid, hakod.service.start(hakod.key(), WEB, call()));
        assertEquals(ProcessState.Status.RUNNING, hakod.service.state(OWNER, WEB).status());
        assertEquals(List.of(new TaskPid(pid, "")), hakod.service.pids(OWNER, "web"));
        CompletableFuture<ProcessExit> waiter = hakod.awaiting(WEB);
        bench.outside.agent().end("web", "", 42);
        ProcessExit exit = waiter.get(5, TimeUnit.SECONDS);
        assertEquals(42, exit.status());
        assertEquals(pid, exit.pid());
        assertEquals("", exit.reason());
        eventually(
                "the machine is powered off",
                () -> bench.outside.left().stream().noneMatch(left -> left.startsWith("process")));
        assertEquals(ProcessState.Status.STOPPED, hakod.service.state(OWNER, WEB).status());
        assertEquals(exit, hakod.service.delete(hakod.key(), WEB, call()));
        hakod.shutdown();
        assertTrue(bench.outside.hasQuit());
        assertTrue(bench.outside.left().toString(), bench.isClean());
        assertEquals(List.of(), hakod.service.list());
    }

    @Test
    public void theGuestMountsTheShareAndTheContainerFindsItsRootThere() {
        hakod.run("web");
        assertEquals(List.of("virtiofs hako-0 /run/hako/share/0"), bench.outside.agent().mounts());
        assertEquals(List.of("create web", "start web"), bench.outside.agent().log());
        List<String> left = bench.outside.left();
        assertTrue(
                left.toString(),
                left.containsAll(
                        List.of(
                                "process vmm",
                                "process share-0",
                                "mount share",
                                "mount share/web/rootfs",
                                "cgroup /hako/web")));
    }

    /** Else it could put links where the daemon makes and removes what is mounted on. */
    @Test
    public void theGuestCanWriteOnlyToWhatIsMountedInTheShare() throws IOException {
        Path data = Files.createDirectory(bench.root.resolve("data"));
        bench.bind(data, "rslave");
        hakod.run("web");
        assertEquals(List.of("ro", "shared"), bench.outside.options("share"));
        assertEquals(List.of("rslave"), bench.outside.options("share/web/mount-0"));
        assertTrue(Files.isDirectory(bench.outside.pod().resolve("tree/web/mount-0")));
        assertFalse(Files.exists(bench.outside.pod().resolve("share/web")));
    }

    @Test
    public void aFurtherProcessHasALifeOfItsOwn() {
        hakod.run("web");
        ProcessId probe = new ProcessId("web", "probe");
        hakod.exec("web", "probe");
        assertEquals(ProcessState.Status.RUNNING, hakod.service.state(OWNER, probe).status());
        bench.outside.agent().end("web", "probe", 7);
        assertEquals(7, hakod.await(probe).status());
        assertEquals(7, hakod.service.delete(hakod.key(), probe, call()).status());
        assertEquals(ProcessState.Status.RUNNING, hakod.service.state(OWNER, WEB).status());
        failure(
                FailureKind.NOT_FOUND,
                "Container web has no process \"probe\".",
                () -> hakod.service.state(OWNER, probe));
    }

    @Test
    public void theMachineEndsWithTheLastOfSeveralContainers() {
        hakod.run("web");
        hakod.run("side");
        bench.outside.agent().end("web", "", 0);
        assertEquals(0, hakod.await(WEB).status());
        hakod.service.delete(hakod.key(), WEB, call());
        assertTrue(bench.outside.left().toString(), bench.outside.left().contains("process vmm"));
        assertEquals(Optional.empty(), hakod.service.shutdown(hakod.key(), false, call()));
        bench.outside.agent().end("side", "", 3);
        assertEquals(3, hakod.await(ProcessId.first("side")).status());
        eventually(
                "the machine is powered off", () -> !bench.outside.left().contains("process vmm"));
        hakod.service.delete(hakod.key(), ProcessId.first("side"), call());
        hakod.shutdown();
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void aCreatedContainerCanBeDeletedUnstarted() {
        hakod.create("web");
        assertEquals(137, hakod.service.delete(hakod.key(), WEB, call()).status());
        hakod.shutdown();
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void aRequestThatComesAgainIsDoneOnceAndAnsweredTheSame() {
        int pid = hakod.service.create(hakod.key(1), hakod.task("web"), call());
        assertEquals(pid, hakod.service.create(hakod.key(1), hakod.task("web"), call()));
        hakod.service.start(hakod.key(3), WEB, call());
        hakod.service.start(hakod.key(3), WEB, call());
        hakod.service.kill(hakod.key(5), WEB, 10, false, call());
        hakod.service.kill(hakod.key(5), WEB, 10, false, call());
        RequestKey wrong = hakod.key(7);
        String first =
                failure(
                        FailureKind.FAILED_PRECONDITION,
                        "Process web cannot be started: it is running.",
                        () -> hakod.service.start(wrong, WEB, call()));
        assertEquals(
                first,
                assertThrows(DriverException.class, () -> hakod.service.start(wrong, WEB, call()))
                        .getMessage());
        assertEquals(
                List.of("create web", "start web", "signal web 10"), bench.outside.agent().log());
        bench.outside.agent().end("web", "", 0);
        hakod.await(WEB);
        ProcessExit exit = hakod.service.delete(hakod.key(9), WEB, call());
        assertEquals(exit, hakod.service.delete(hakod.key(9), WEB, call()));
    }

    @Test
    public void killAndListWaitForNoOtherVerb() throws Exception {
        hakod.run("web");
        hakod.create("side");
        CountDownLatch reached = new CountDownLatch(1);
        CountDownLatch held = new CountDownLatch(1);
        bench.outside
                .agent()
                .before(
                        "start side",
                        () -> {
                            reached.countDown();
                            awaitLatch(held);
                        });
        CompletableFuture<Integer> stuck =
                CompletableFuture.supplyAsync(
                        () -> hakod.service.start(hakod.key(101), ProcessId.first("side"), call()));
        awaitLatch(reached);
        try {
            assertEquals(SandboxView.State.RUNNING, hakod.service.list().getFirst().state());
            hakod.service.kill(hakod.key(103), WEB, 9, true, call());
            assertEquals(137, hakod.await(WEB).status());
            assertFalse(stuck.isDone());
        } finally {
            held.countDown();
        }
        stuck.get(5, TimeUnit.SECONDS);
    }

    @Test
    public void whatCannotBeIsRefusedWithASentence() {
        hakod.run("web");
        failure(
                FailureKind.FAILED_PRECONDITION,
                "Process web cannot be deleted: it runs. Kill it first.",
                () -> hakod.service.delete(hakod.key(), WEB, call()));
        failure(
                FailureKind.ALREADY_EXISTS,
                "Sandbox hako@web has a container web already.",
                () -> hakod.create("web"));
        failure(
                FailureKind.FAILED_PRECONDITION,
                "Process web has no terminal to resize.",
                () -> hakod.service.resizePty(OWNER, WEB, 80, 24, call()));
        failure(
                FailureKind.NOT_FOUND,
                "Sandbox hako@web has no container other.",
                () -> hakod.service.kill(hakod.key(), ProcessId.first("other"), 9, false, call()));
        bench.outside.agent().end("web", "", 0);
        hakod.await(WEB);
        failure(
                FailureKind.NOT_FOUND,
                "Process web has ended already.",
                () -> hakod.service.kill(hakod.key(), WEB, 9, false, call()));
    }

    @Test
    public void aPodTooLargeForAnyHypervisorIsRefusedWithBothNumbersAndNothingIsLeft()
            throws IOException {
        bench.memory(8L << 30);
        failure(
                FailureKind.UNSUPPORTED,
                "No hypervisor can run this pod: hypervisor/fake gives a guest at most 4 GiB of memory, but the"
                        + " pod needs 8256 MiB (8 GiB for its containers, 64 MiB for the guest itself).",
                () -> hakod.create("web"));
        assertTrue(bench.outside.left().toString(), bench.isClean());
        failure(
                FailureKind.NOT_FOUND,
                "There is no sandbox hako@web.",
                () -> hakod.service.state(OWNER, WEB));
        bench.memory(128L << 20);
        hakod.run("web");
    }

    @Test
    public void aPathOfTheHostIsBoundBesideTheRootAndGoesWithTheContainer() throws IOException {
        Path data = Files.createDirectory(bench.root.resolve("data"));
        bench.bind(data, "ro");
        hakod.run("web");
        assertTrue(
                bench.outside.left().toString(),
                bench.outside.left().contains("mount share/web/mount-0"));
        assertEquals(List.of("ro", "rprivate"), bench.outside.options("share/web/mount-0"));
        String spec = bench.outside.agent().spec("web");
        assertTrue(spec, spec.contains("\"source\":\"/run/hako/share/0/web/mount-0\""));
        assertTrue(spec, spec.contains("\"path\":\"/run/hako/share/0/web/rootfs\""));
        hakod.service.kill(hakod.key(), WEB, 9, true, call());
        hakod.await(WEB);
        hakod.service.delete(hakod.key(), WEB, call());
        assertFalse(
                bench.outside.left().toString(),
                bench.outside.left().contains("mount share/web/mount-0"));
        hakod.shutdown();
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void aPathThatCannotBeSharedIsRefusedBeforeAnythingStarts() throws IOException {
        Path absent = bench.root.resolve("absent");
        bench.bind(absent, "rw");
        failure(
                FailureKind.NOT_FOUND,
                "The mount at /data has the source "
                        + absent
                        + ", which does not exist: create it first.",
                () -> hakod.create("web"));
        bench.bind(Path.of("/dev/null"), "rw");
        failure(
                FailureKind.UNSUPPORTED,
                "The mount at /data has the source /dev/null, which is neither a directory nor a file: a socket,"
                        + " pipe or device of the host does not work in a virtual machine.",
                () -> hakod.create("web"));
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void pauseResumeAndFigures() {
        hakod.run("web");
        hakod.service.pause(OWNER, "web", call());
        assertEquals(SandboxView.State.PAUSED, hakod.service.list().getFirst().state());
        hakod.service.resume(OWNER, "web", call());
        assertEquals(ProcessState.Status.RUNNING, hakod.service.state(OWNER, WEB).status());
        CgroupFigures figures = hakod.service.stats(OWNER, "web", call());
        assertEquals(new CgroupFigures.Memory(1, 2, 3, 4, 5, 6), figures.memory());
        assertEquals(Map.of("usage_usec", 7L), figures.cpu());
        assertEquals(List.of(new CgroupFigures.Disk(254, 0, 1, 2, 3, 4)), figures.disks());
        assertEquals(4000, hakod.service.connect(OWNER, "web").shimPid());
    }

    @Test
    public void anOperatorSeesWhatItIsAndWhatItCosts() {
        int pid = hakod.run("web");
        SandboxView view = hakod.service.find("shop");
        assertEquals("web", view.sandboxId());
        assertEquals("demo", view.image());
        assertEquals(List.of("sh", "-c", "true"), view.command());
        assertEquals(Map.of("hypervisor", "fake", "storage", "fake"), view.drivers());
        assertEquals(pid, view.vmmPid());
        assertEquals(view, hakod.service.find("we"));
        failure(FailureKind.NOT_FOUND, "There is no sandbox \"x\".", () -> hakod.service.find("x"));
        failure(FailureKind.NOT_FOUND, "There is no sandbox \"\".", () -> hakod.service.find(""));
        Overhead overhead = hakod.service.overhead("web", call());
        assertEquals(
                List.of("share-0", "vmm", "shim"),
                overhead.processes().stream().map(Overhead.ProcessCost::role).toList());
        assertEquals(160 << 10, overhead.agentAnonymous());
        assertEquals(
                List.of(
                        "cgroup",
                        "share",
                        "storage",
                        "vmm",
                        "boot",
                        "rootfs",
                        "agent",
                        "identity",
                        "interfaces",
                        "mounts",
                        "container",
                        "stdio"),
                overhead.steps().stream().map(Overhead.StartStep::name).toList());
        String json = hakod.service.inspect("web");
        assertTrue(json, json.contains("\"hypervisor/fake\""));
        assertFalse("no token is shown", json.toLowerCase(Locale.ROOT).contains("token"));
    }

    private static String failure(FailureKind kind, String sentence, Runnable work) {
        DriverException failure = assertThrows(DriverException.class, work::run);
        assertEquals(sentence, failure.getMessage());
        assertEquals(kind, failure.failure());
        return failure.getMessage();
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            assertTrue(latch.await(5, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
