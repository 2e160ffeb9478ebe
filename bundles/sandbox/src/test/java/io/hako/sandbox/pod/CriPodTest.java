// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static io.hako.sandbox.pod.Bench.OWNER;
import static io.hako.sandbox.pod.Bench.WEB;
import static io.hako.sandbox.pod.Bench.call;
import static io.hako.sandbox.pod.Bench.eventually;
import static io.hako.sandbox.pod.CriPod.app;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.guest.CgroupFigures;
import io.hako.guest.PodNeeds;
import io.hako.sandbox.CreateTask;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.ProcessState;
import io.hako.sandbox.SandboxView;
import io.hako.sandbox.TaskPid;
import io.hako.sandbox.fake.FakeOutside;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** A pod of several containers, as Kubernetes has it made. */
public class CriPodTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;
    private CriPod pod;
    private Bench.Run hakod;

    @Before
    public void start() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
        pod = new CriPod(bench);
        hakod = bench.start();
    }

    @Test
    public void aSandboxIsTheMachineAndNothingOfItRunsInTheGuest() throws Exception {
        int pid = create(pod.sandbox());
        assertEquals(ProcessState.Status.CREATED, status("web"));
        assertEquals(pid, hakod.service.start(hakod.key(), WEB, call()));
        assertEquals(ProcessState.Status.RUNNING, status("web"));
        assertEquals(List.of(new TaskPid(pid, "")), hakod.service.pids(OWNER, "web"));
        assertEquals(List.of(), bench.outside.agent().log());
        assertFalse(
                bench.outside.left().toString(),
                bench.outside.left().contains("mount share/web/rootfs"));
        CgroupFigures figures = hakod.service.stats(OWNER, "web", call());
        assertEquals("what the guest does not have free", 60L << 20, figures.memory().current());
        assertEquals(250L << 20, figures.memory().limit());
        assertEquals(Map.of("usage_usec", 7L), figures.cpu());
        SandboxView view = hakod.service.find("shop");
        assertEquals(pid, view.vmmPid());
        CompletableFuture<ProcessExit> waiter = hakod.awaiting(WEB);
        hakod.service.kill(hakod.key(), WEB, 9, true, call());
        assertEquals(137, waiter.get(5, TimeUnit.SECONDS).status());
        assertFalse(
                "the exit is told once the machine is off",
                bench.outside.left().contains("process vmm"));
        assertEquals(137, hakod.service.delete(hakod.key(), WEB, call()).status());
        hakod.shutdown();
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void containersComeAndGoWhileTheMachineRunsOn() throws IOException {
        int pid = run(pod.sandbox());
        assertEquals(pid, run(pod.container("app", 64L << 20)));
        run(pod.container("side", 64L << 20));
        bench.outside.agent().end("app", "", 3);
        assertEquals(3, hakod.await(app("app")).status());
        hakod.service.delete(hakod.key(), app("app"), call());
        List<String> left = bench.outside.left();
        assertFalse(left.toString(), left.contains("mount share/app/rootfs"));
        assertTrue(left.toString(), left.contains("mount share/side/rootfs"));
        bench.outside.agent().end("side", "", 0);
        assertEquals(0, hakod.await(app("side")).status());
        hakod.service.delete(hakod.key(), app("side"), call());
        assertEquals(Optional.empty(), hakod.service.shutdown(hakod.key(), false, call()));
        run(pod.container("app", 64L << 20));
        assertEquals(ProcessState.Status.RUNNING, status("app"));
        assertEquals(ProcessState.Status.RUNNING, status("web"));
        end();
    }

    @Test
    public void theEndOfThePodIsTheEndOfWhateverRunsInIt() throws IOException {
        run(pod.sandbox());
        run(pod.container("app", 64L << 20));
        hakod.service.kill(hakod.key(), WEB, 15, false, call());
        assertEquals("as pause leaves at SIGTERM", 0, hakod.await(WEB).status());
        ProcessExit exit = hakod.await(app("app"));
        assertEquals(137, exit.status());
        assertEquals("The pod was stopped.", exit.reason());
        failure(
                FailureKind.FAILED_PRECONDITION,
                "The process cannot be created: the virtual machine of sandbox hako@web is off.",
                () -> create(pod.container("late", 1L << 20)));
        hakod.service.delete(hakod.key(), app("app"), call());
        hakod.service.delete(hakod.key(), WEB, call());
        hakod.shutdown();
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void otherSignalsLeaveASandboxAsItIs() throws IOException {
        run(pod.sandbox());
        hakod.service.kill(hakod.key(), WEB, 1, false, call());
        hakod.service.kill(hakod.key(), WEB, 17, true, call());
        run(pod.container("app", 64L << 20));
        assertEquals(ProcessState.Status.RUNNING, status("web"));
        end();
    }

    @Test
    public void aSandboxThatNeverRanCanBeDeleted() throws IOException {
        create(pod.sandbox());
        assertEquals(137, hakod.service.delete(hakod.key(), WEB, call()).status());
        hakod.shutdown();
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void aMachineThatDiesTakesSandboxAndContainersWithItsCause() throws IOException {
        run(pod.sandbox());
        run(pod.container("app", 64L << 20));
        bench.outside.end(FakeOutside.VMM, new ExitStatus.Signalled(9));
        assertEquals(137, hakod.await(WEB).status());
        assertEquals(137, hakod.await(app("app")).status());
        assertFalse(hakod.await(app("app")).reason().isEmpty());
    }

    @Test
    public void theNextDaemonTakesUpSandboxAndContainers() throws IOException {
        run(pod.sandbox());
        run(pod.container("app", 64L << 20));
        hakod.kill();
        hakod = bench.start();
        hakod.service.stats(OWNER, "web", call()); // waits until adoption is over
        assertEquals(ProcessState.Status.RUNNING, status("web"));
        bench.outside.agent().end("app", "", 5);
        assertEquals(5, hakod.await(app("app")).status());
        assertEquals(ProcessState.Status.RUNNING, status("web"));
        run(pod.container("side", 64L << 20));
        end();
    }

    @Test
    public void theMachineIsAsLargeAsThePodsLimitsAndItsOverhead() throws IOException {
        run(pod.sandbox());
        JsonObject shown = JsonParser.parseString(hakod.service.inspect("web")).getAsJsonObject();
        assertEquals(264L << 20, shown.getAsJsonObject("machine").get("memory_bytes").getAsLong());
        String settings = shown.getAsJsonArray("settings").toString();
        assertTrue(
                settings,
                settings.contains(
                        "{\"key\":\"machine.memory\",\"value\":\"264 MiB\",\"from\":\"annotation"
                                + " io.kubernetes.cri.sandbox-memory and guest.memory_overhead\"}"));
        assertTrue(
                settings,
                settings.contains(
                        "{\"key\":\"guest.start_limit\",\"value\":\"5000ms\",\"from\":\""
                                + bench.root.resolve("hako.toml")
                                + "\"}"));
        end();
    }

    @Test
    public void whatContainersShareIsTheGuests() throws IOException {
        run(pod.sandbox());
        run(pod.container("app", 64L << 20));
        run(pod.sharing("debug"));
        assertEquals(
                new PodNeeds(false, Map.of("net.core.somaxconn", "999"), Optional.empty()),
                bench.outside.agent().needs().getFirst());
        assertTrue(bench.outside.agent().needs().getLast().shareProcesses());
        String app = bench.outside.agent().spec("app");
        assertTrue(app, app.contains("\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"}]"));
        assertTrue(app, app.contains("\"source\":\"/run/fake/shm\""));
        String debug = bench.outside.agent().spec("debug");
        assertTrue(debug, debug.contains("{\"type\":\"pid\",\"path\":\"/run/fake/ns/pid\"}"));
        assertFalse(
                "the host's shared memory is not the guest's",
                bench.outside.left().stream().anyMatch(left -> left.contains("mount-")));
        end();
    }

    @Test
    public void aPodsAnnotationsDecideWhatTheOperatorLetsThem() throws IOException {
        failure(
                FailureKind.INVALID_REQUEST,
                "The annotation io.hako.config.guest.memory is not allowed here: the operator's setting annotations.allowed in %s would have to list \"guest.memory\", and lists nothing."
                        .formatted(bench.root.resolve("hako.toml")),
                () -> create(pod.sandbox(0, ",\"io.hako.config.guest.memory\":\"1G\"")));
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void whatASandboxIsNotForIsRefusedWithASentence() throws IOException {
        failure(
                FailureKind.FAILED_PRECONDITION,
                "Container app belongs to the sandbox web, which is not there: create that first.",
                () -> create(pod.container("app", 1L << 20)));
        run(pod.sandbox());
        failure(
                FailureKind.UNSUPPORTED,
                "Process web/probe cannot be prepared: web is the sandbox itself, in which nothing runs. Use one of the containers in it.",
                () -> hakod.exec("web", "probe"));
        end();
    }

    private ProcessState.Status status(String container) {
        return hakod.service.state(OWNER, app(container)).status();
    }

    private int create(CreateTask task) {
        return hakod.service.create(hakod.key(), task, call());
    }

    private int run(CreateTask task) {
        create(task);
        return hakod.service.start(hakod.key(), app(task.container()), call());
    }

    /** What a CRI server does at the end of a pod. */
    private void end() {
        List<SandboxView> views = hakod.service.list();
        assertEquals(1, views.size());
        hakod.service.kill(hakod.key(), WEB, 9, true, call());
        hakod.await(WEB);
        for (String each : List.of("app", "side", "debug")) {
            deleteIfThere(each);
        }
        hakod.service.delete(hakod.key(), WEB, call());
        hakod.shutdown();
        eventually(bench.outside.left().toString(), bench::isClean);
    }

    private void deleteIfThere(String container) {
        try {
            hakod.service.delete(hakod.key(), app(container), call());
        } catch (DriverException e) {
            assertEquals(FailureKind.NOT_FOUND, e.failure());
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void failure(FailureKind kind, String sentence, Work work) {
        DriverException failure = assertThrows(DriverException.class, work::run);
        assertEquals(sentence, failure.getMessage());
        assertEquals(kind, failure.failure());
    }
}
