// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import com.google.gson.Gson;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import com.google.protobuf.Message;
import io.hako.itests.containerd.snapshots.MountsRequest;
import io.hako.itests.containerd.snapshots.MountsResponse;
import io.hako.itests.containerd.tasks.CreateTaskRequest;
import io.hako.itests.containerd.tasks.CreateTaskResponse;
import io.hako.itests.containerd.tasks.DeleteProcessRequest;
import io.hako.itests.containerd.tasks.DeleteResponse;
import io.hako.itests.containerd.tasks.DeleteTaskRequest;
import io.hako.itests.containerd.tasks.ExecProcessRequest;
import io.hako.itests.containerd.tasks.GetRequest;
import io.hako.itests.containerd.tasks.GetResponse;
import io.hako.itests.containerd.tasks.KillRequest;
import io.hako.itests.containerd.tasks.StartRequest;
import io.hako.itests.containerd.tasks.StartResponse;
import io.hako.itests.containerd.tasks.Status;
import io.hako.itests.containerd.tasks.WaitRequest;
import io.hako.itests.containerd.tasks.WaitResponse;
import io.hako.itests.grpc.GrpcSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * A client of containerd's service for tasks, which takes the steps of a container's life one by
 * one, as kubelet does by the CRI plugin and ctr does not. Each call throws {@link
 * io.grpc.StatusRuntimeException}, UNAVAILABLE once containerd has gone: a new one needs a new
 * client.
 */
final class Tasks implements AutoCloseable {
    private static final String TASKS = "containerd.services.tasks.v1.Tasks";
    private static final String SNAPSHOTS = "containerd.services.snapshots.v1.Snapshots";
    private static final String PROCESS =
            "types.containerd.io/opencontainers/runtime-spec/1/Process";
    private static final Duration LIMIT = Duration.ofSeconds(90);

    private final GrpcSocket socket;

    Tasks(Path socket, String namespace) {
        this.socket = new GrpcSocket(socket, Map.of("containerd-namespace", namespace));
    }

    /** Streams of a process: paths of fifos, or empty. */
    record Streams(String stdin, String stdout) {
        static final Streams NONE = new Streams("", "");
    }

    /** The task of a container whose snapshot has its name. */
    void create(String container, Streams streams) {
        MountsResponse rootfs =
                socket.call(
                        SNAPSHOTS,
                        "Mounts",
                        MountsRequest.newBuilder()
                                .setSnapshotter("overlayfs")
                                .setKey(container)
                                .build(),
                        MountsResponse.getDefaultInstance(),
                        LIMIT);
        call(
                "Create",
                CreateTaskRequest.newBuilder()
                        .setContainerId(container)
                        .addAllRootfs(rootfs.getMountsList())
                        .setStdin(streams.stdin())
                        .setStdout(streams.stdout())
                        .build(),
                CreateTaskResponse.getDefaultInstance());
    }

    /**
     * @param exec empty for the container's first process
     */
    void start(String container, String exec) {
        call(
                "Start",
                StartRequest.newBuilder().setContainerId(container).setExecId(exec).build(),
                StartResponse.getDefaultInstance());
    }

    /** Prepares a further process. */
    void exec(String container, String exec, Streams streams, List<String> command) {
        call(
                "Exec",
                ExecProcessRequest.newBuilder()
                        .setContainerId(container)
                        .setExecId(exec)
                        .setStdin(streams.stdin())
                        .setStdout(streams.stdout())
                        .setSpec(
                                Any.newBuilder()
                                        .setTypeUrl(PROCESS)
                                        .setValue(ByteString.copyFromUtf8(process(command))))
                        .build(),
                Empty.getDefaultInstance());
    }

    private static String process(List<String> command) {
        return new Gson()
                .toJson(
                        Map.of(
                                "cwd",
                                "/",
                                "user",
                                Map.of("uid", 0, "gid", 0),
                                "args",
                                command,
                                "env",
                                List.of("PATH=/bin:/sbin")));
    }

    void kill(String container, int signal) {
        call(
                "Kill",
                KillRequest.newBuilder().setContainerId(container).setSignal(signal).build(),
                Empty.getDefaultInstance());
    }

    /** Returns the exit status once the process has ended. */
    int await(String container, String exec) {
        return call(
                        "Wait",
                        WaitRequest.newBuilder().setContainerId(container).setExecId(exec).build(),
                        WaitResponse.getDefaultInstance())
                .getExitStatus();
    }

    Status status(String container, String exec) {
        return call(
                        "Get",
                        GetRequest.newBuilder().setContainerId(container).setExecId(exec).build(),
                        GetResponse.getDefaultInstance())
                .getProcess()
                .getStatus();
    }

    /** Returns the exit status. */
    int delete(String container) {
        return call(
                        "Delete",
                        DeleteTaskRequest.newBuilder().setContainerId(container).build(),
                        DeleteResponse.getDefaultInstance())
                .getExitStatus();
    }

    /** Returns the exit status of a further process. */
    int delete(String container, String exec) {
        return call(
                        "DeleteProcess",
                        DeleteProcessRequest.newBuilder()
                                .setContainerId(container)
                                .setExecId(exec)
                                .build(),
                        DeleteResponse.getDefaultInstance())
                .getExitStatus();
    }

    private <A extends Message> A call(String name, Message request, A answer) {
        return socket.call(TASKS, name, request, answer, LIMIT);
    }

    @Override
    public void close() {
        socket.close();
    }
}
