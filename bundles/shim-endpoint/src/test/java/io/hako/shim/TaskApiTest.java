// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import static io.hako.shim.RunningEndpoint.OWNER;
import static io.hako.shim.RunningEndpoint.create;
import static io.hako.shim.RunningEndpoint.inBackground;
import static io.hako.shim.RunningEndpoint.take;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Timestamp;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.sandbox.CreateTask;
import io.hako.sandbox.ExecTask;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.RequestKey;
import io.hako.shim.proto.CheckpointTaskRequest;
import io.hako.shim.proto.CloseIORequest;
import io.hako.shim.proto.ConnectRequest;
import io.hako.shim.proto.ConnectResponse;
import io.hako.shim.proto.CreateTaskRequest;
import io.hako.shim.proto.CreateTaskResponse;
import io.hako.shim.proto.DeleteRequest;
import io.hako.shim.proto.DeleteResponse;
import io.hako.shim.proto.Empty;
import io.hako.shim.proto.ExecProcessRequest;
import io.hako.shim.proto.KillRequest;
import io.hako.shim.proto.Metrics;
import io.hako.shim.proto.PidsRequest;
import io.hako.shim.proto.PidsResponse;
import io.hako.shim.proto.ProcessDetails;
import io.hako.shim.proto.ResizePtyRequest;
import io.hako.shim.proto.StartRequest;
import io.hako.shim.proto.StartResponse;
import io.hako.shim.proto.StateRequest;
import io.hako.shim.proto.StateResponse;
import io.hako.shim.proto.StatsRequest;
import io.hako.shim.proto.StatsResponse;
import io.hako.shim.proto.Status;
import io.hako.shim.proto.UpdateTaskRequest;
import io.hako.shim.proto.WaitRequest;
import io.hako.shim.proto.WaitResponse;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.RuleChain;
import org.junit.rules.Timeout;

/** containerd's Task API, from its messages to calls of the sandboxes and back. */
public class TaskApiTest {
    private final Timeout limit = Timeout.seconds(30);
    private final RunningEndpoint endpoint = new RunningEndpoint();

    @Rule public final RuleChain rules = RuleChain.outerRule(limit).around(endpoint);

    @Test
    public void containerLivesThroughBothVersionsOfTheService() throws Exception {
        for (String service : List.of("containerd.task.v2.Task", "containerd.task.v3.Task")) {
            FakeShim shim = endpoint.link();
            create(shim, service);
            StartRequest start = StartRequest.newBuilder().setId("a").build();
            assertEquals(
                    FakeSandboxes.PID,
                    shim.ask(1, service, "Start", start, StartResponse.parser()).getPid());
            CompletableFuture<WaitResponse> exit =
                    inBackground(
                            () ->
                                    shim.ask(
                                            1,
                                            service,
                                            "Wait",
                                            WaitRequest.newBuilder().setId("a").build(),
                                            WaitResponse.parser()));
            assertTrue(take(endpoint.sandboxes().calls()).startsWith("CreateTask"));
            assertEquals("await a", take(endpoint.sandboxes().calls()));
            KillRequest kill =
                    KillRequest.newBuilder().setId("a").setSignal(9).setAll(true).build();
            shim.ask(2, service, "Kill", kill, Empty.parser());

            assertEquals("kill a 9 true", take(endpoint.sandboxes().calls()));
            assertEquals(
                    WaitResponse.newBuilder().setExitStatus(137).setExitedAt(endedAt()).build(),
                    exit.get());
            DeleteRequest delete = DeleteRequest.newBuilder().setId("a").build();
            assertEquals(
                    DeleteResponse.newBuilder()
                            .setPid(FakeSandboxes.PID)
                            .setExitStatus(137)
                            .setExitedAt(endedAt())
                            .build(),
                    shim.ask(1, service, "Delete", delete, DeleteResponse.parser()));
        }
    }

    @Test
    public void createCarriesBundleMountsAndStreams() throws Exception {
        create(endpoint.link(), "containerd.task.v2.Task");

        CreateTask expected =
                new CreateTask(
                        "a",
                        FakeSandboxes.bundle("a"),
                        List.of(
                                new CreateTask.RootfsMount(
                                        "overlay", "overlay", List.of("lowerdir=/l"))),
                        FakeSandboxes.stdio("a"),
                        Optional.empty());
        assertEquals(expected.toString(), take(endpoint.sandboxes().calls()));
    }

    @Test
    public void stateShowsWhatTheSandboxSays() throws IOException {
        FakeShim shim = endpoint.link();
        create(shim, "containerd.task.v2.Task");

        StateResponse state =
                shim.ask(
                        1,
                        "State",
                        StateRequest.newBuilder().setId("a").build(),
                        StateResponse.parser());

        assertEquals(
                StateResponse.newBuilder()
                        .setId("a")
                        .setBundle("/bundles/a")
                        .setPid(FakeSandboxes.PID)
                        .setStatus(Status.CREATED)
                        .setStdin("/f/a-in")
                        .setStdout("/f/a-out")
                        .setStderr("/f/a-err")
                        .build(),
                state);
    }

    @Test
    public void keyOfARequestIsSandboxInstanceConnectionAndStream() throws Exception {
        FakeShim shim = endpoint.link();
        create(shim, "containerd.task.v2.Task");
        shim.ask(7, "Start", StartRequest.newBuilder().setId("a").build(), StartResponse.parser());
        KillRequest kill = KillRequest.newBuilder().setId("a").setSignal(15).build();
        shim.ask(7, "Kill", kill, Empty.parser());

        assertEquals(
                new RequestKey(OWNER, FakeShim.INSTANCE, 1, 1), take(endpoint.sandboxes().keys()));
        assertEquals(
                new RequestKey(OWNER, FakeShim.INSTANCE, 7, 1), take(endpoint.sandboxes().keys()));
        assertEquals(
                new RequestKey(OWNER, FakeShim.INSTANCE, 7, 3), take(endpoint.sandboxes().keys()));
    }

    @Test
    public void smallerVerbsCarryTheirFields() throws Exception {
        FakeShim shim = endpoint.link();
        create(shim, "containerd.task.v2.Task");
        take(endpoint.sandboxes().calls());

        ExecProcessRequest exec =
                ExecProcessRequest.newBuilder()
                        .setId("a")
                        .setExecId("e")
                        .setStdin("/f/e-in")
                        .setStdout("/f/e-out")
                        .setStderr("/f/e-err")
                        .setSpec(json("{\"args\":[\"sh\"]}"))
                        .build();
        shim.ask(1, "Exec", exec, Empty.parser());
        ProcessId process = new ProcessId("a", "e");
        assertEquals(
                new ExecTask(process, "{\"args\":[\"sh\"]}", FakeSandboxes.stdio("e")).toString(),
                take(endpoint.sandboxes().calls()));

        ResizePtyRequest resize =
                ResizePtyRequest.newBuilder()
                        .setId("a")
                        .setExecId("e")
                        .setWidth(80)
                        .setHeight(24)
                        .build();
        shim.ask(1, "ResizePty", resize, Empty.parser());
        assertEquals("resize a/e 80x24", take(endpoint.sandboxes().calls()));

        shim.ask(1, "CloseIO", CloseIORequest.newBuilder().setId("a").build(), Empty.parser());
        shim.ask(
                1,
                "CloseIO",
                CloseIORequest.newBuilder().setId("a").setStdin(true).build(),
                Empty.parser());
        assertEquals("close input of a", take(endpoint.sandboxes().calls()));

        UpdateTaskRequest update =
                UpdateTaskRequest.newBuilder().setId("a").setResources(json("{}")).build();
        shim.ask(1, "Update", update, Empty.parser());
        assertEquals("update a {}", take(endpoint.sandboxes().calls()));

        PidsResponse pids =
                shim.ask(
                        1,
                        "Pids",
                        PidsRequest.newBuilder().setId("a").build(),
                        PidsResponse.parser());
        assertEquals(FakeSandboxes.PID, pids.getProcesses(0).getPid());
        assertFalse(pids.getProcesses(0).hasInfo());
        Any further = pids.getProcesses(1).getInfo();
        assertEquals("containerd.runc.v1.ProcessDetails", further.getTypeUrl());
        assertEquals("probe", ProcessDetails.parseFrom(further.getValue()).getExecId());

        assertEquals(
                ConnectResponse.newBuilder()
                        .setShimPid(42)
                        .setTaskPid(FakeSandboxes.PID)
                        .setVersion("0.1.0")
                        .build(),
                shim.ask(
                        1,
                        "Connect",
                        ConnectRequest.newBuilder().setId("a").build(),
                        ConnectResponse.parser()));
    }

    @Test
    public void figuresAreThoseThatContainerdReads()
            throws IOException, InvalidProtocolBufferException {
        StatsResponse answer =
                endpoint.link()
                        .ask(
                                1,
                                "Stats",
                                StatsRequest.newBuilder().setId("a").build(),
                                StatsResponse.parser());

        Metrics metrics = Metrics.parseFrom(answer.getStats().getValue());
        assertEquals("io.containerd.cgroups.v2.Metrics", answer.getStats().getTypeUrl());
        assertEquals(1, metrics.getMemory().getUsage());
        assertEquals("no limit", -1, metrics.getMemory().getUsageLimit());
        assertEquals(10, metrics.getMemory().getAnon());
        assertEquals(11, metrics.getMemory().getPgmajfault());
        assertEquals(7, metrics.getCpu().getUsageUsec());
        assertEquals(8, metrics.getCpu().getNrThrottled());
        assertEquals(13, metrics.getPids().getCurrent());
        assertEquals(12, metrics.getMemoryEvents().getOomKill());
        assertEquals(16, metrics.getIo().getUsage(0).getWbytes());
        assertEquals("2MB", metrics.getHugetlb(0).getPagesize());
    }

    @Test
    public void failureArrivesAsCodeAndSentence() throws IOException {
        FakeShim shim = endpoint.link();

        DriverException unknown =
                assertThrows(
                        DriverException.class,
                        () ->
                                shim.ask(
                                        1,
                                        "Start",
                                        StartRequest.newBuilder().setId("b").build(),
                                        StartResponse.parser()));
        DriverException checkpoint =
                assertThrows(
                        DriverException.class,
                        () ->
                                shim.ask(
                                        1,
                                        "Checkpoint",
                                        CheckpointTaskRequest.newBuilder().setId("b").build(),
                                        Empty.parser()));
        DriverException relative =
                assertThrows(
                        DriverException.class,
                        () ->
                                shim.ask(
                                        1,
                                        "Create",
                                        CreateTaskRequest.newBuilder()
                                                .setId("b")
                                                .setBundle("b")
                                                .build(),
                                        CreateTaskResponse.parser()));

        assertEquals(FailureKind.NOT_FOUND, unknown.failure());
        assertEquals("Sandbox any@one has no process b.", unknown.getMessage());
        assertEquals(FailureKind.UNSUPPORTED, checkpoint.failure());
        assertEquals(
                "A container in a virtual machine cannot be checkpointed: container b is not.",
                checkpoint.getMessage());
        assertEquals(FailureKind.INVALID_REQUEST, relative.failure());
    }

    private static Any json(String text) {
        return Any.newBuilder().setValue(ByteString.copyFromUtf8(text)).build();
    }

    private static Timestamp endedAt() {
        return Timestamp.newBuilder().setSeconds(1_700_000_000).setNanos(5).build();
    }
}
