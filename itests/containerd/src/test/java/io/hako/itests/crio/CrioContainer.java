// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.crio;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import com.google.protobuf.MessageLite;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Result;
import io.hako.itests.machine.Running;
import io.hako.shim.proto.CreateTaskRequest;
import io.hako.shim.proto.CreateTaskResponse;
import io.hako.shim.proto.DeleteRequest;
import io.hako.shim.proto.DeleteResponse;
import io.hako.shim.proto.Empty;
import io.hako.shim.proto.ExecProcessRequest;
import io.hako.shim.proto.KillRequest;
import io.hako.shim.proto.ShutdownRequest;
import io.hako.shim.proto.StartRequest;
import io.hako.shim.proto.StartResponse;
import io.hako.shim.proto.StateRequest;
import io.hako.shim.proto.StateResponse;
import io.hako.shim.proto.Status;
import io.hako.shim.proto.UpdateTaskRequest;
import io.hako.shim.proto.WaitRequest;
import io.hako.shim.proto.WaitResponse;
import io.hako.ttrpc.proto.Response;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A container as CRI-O drives it: its runtime of type "vm" starts the shim itself, for each
 * container, and calls the Task service over a connection of the container's own (CRI-O,
 * internal/oci/runtime_vm.go). It never runs the shim's delete.
 */
final class CrioContainer implements AutoCloseable {
    private final Node node;
    private final String id;
    private final Path bundle;
    private final TaskConnection task;
    private final Running output;
    private final CompletableFuture<Response> ended;

    /**
     * Makes its task and starts it.
     *
     * @param spec config.json
     */
    CrioContainer(Node node, String id, String spec) throws IOException {
        this.node = node;
        this.id = id;
        bundle = Files.createDirectories(node.state().resolve("crio").resolve(id));
        Files.writeString(bundle.resolve("config.json"), spec);
        node.program("mkfifo", fifo("out").toString(), fifo("err").toString());
        task = new TaskConnection(startShim());
        output = reader("out");
        call(
                "Create",
                CreateTaskRequest.newBuilder()
                        .setId(id)
                        .setBundle(bundle.toString())
                        .setStdout(fifo("out").toString())
                        .setStderr(fifo("err").toString())
                        .build(),
                CreateTaskResponse.getDefaultInstance());
        ended = task.start("Wait", WaitRequest.newBuilder().setId(id).build());
        call(
                "Start",
                StartRequest.newBuilder().setId(id).build(),
                StartResponse.getDefaultInstance());
    }

    /** The address that it prints is all that its caller has of it. */
    private Path startShim() {
        String shim =
                Path.of(System.getProperty("hako.native"), "containerd-shim-hako-v2").toString();
        String command =
                "cd '%s' && exec '%s' -namespace default -address '' -publish-binary /usr/bin/crio -id %s start < /dev/null"
                        .formatted(bundle, shim, id);
        String address = node.program("sh", "-c", command).line();
        return Path.of(address.replaceFirst("^unix://", ""));
    }

    private Path fifo(String name) {
        return bundle.resolve(name);
    }

    private Running reader(String fifo) {
        return node.startProgram(List.of("cat", fifo(fifo).toString()));
    }

    Status status() {
        return call(
                        "State",
                        StateRequest.newBuilder().setId(id).build(),
                        StateResponse.getDefaultInstance())
                .getStatus();
    }

    /** Runs a shell's script in it and gives exit code and output. */
    String sh(String script) {
        String exec = "exec-" + System.nanoTime();
        node.program("mkfifo", fifo(exec).toString());
        try (Running out = reader(exec)) {
            String process =
                    """
                    {"args": ["/bin/sh", "-c", "%s"], "cwd": "/", "env": ["PATH=/bin"], "user": {"uid": 0, "gid": 0}}
                    """
                            .formatted(script);
            call(
                    "Exec",
                    ExecProcessRequest.newBuilder()
                            .setId(id)
                            .setExecId(exec)
                            .setStdout(fifo(exec).toString())
                            .setSpec(json("Process", process))
                            .build(),
                    Empty.getDefaultInstance());
            call(
                    "Start",
                    StartRequest.newBuilder().setId(id).setExecId(exec).build(),
                    StartResponse.getDefaultInstance());
            WaitResponse exit =
                    call(
                            "Wait",
                            WaitRequest.newBuilder().setId(id).setExecId(exec).build(),
                            WaitResponse.getDefaultInstance());
            Result result = out.finish(Node.LIMIT);
            call(
                    "Delete",
                    DeleteRequest.newBuilder().setId(id).setExecId(exec).build(),
                    DeleteResponse.getDefaultInstance());
            return exit.getExitStatus() + " " + result.line();
        }
    }

    /** Changes its limits: LinuxResources of runtime-spec. */
    void update(String resources) {
        call(
                "Update",
                UpdateTaskRequest.newBuilder()
                        .setId(id)
                        .setResources(json("LinuxResources", resources))
                        .build(),
                Empty.getDefaultInstance());
    }

    /** Its whole output, when it has ended. */
    String output() {
        return output.finish(Node.LIMIT).line();
    }

    /** Ends it by a signal and takes it away; gives its exit code. */
    int end(int signal) {
        call(
                "Kill",
                KillRequest.newBuilder().setId(id).setSignal(signal).build(),
                Empty.getDefaultInstance());
        int exit = task.await(ended, WaitResponse.getDefaultInstance()).getExitStatus();
        call(
                "Delete",
                DeleteRequest.newBuilder().setId(id).build(),
                DeleteResponse.getDefaultInstance());
        call(
                "Shutdown",
                ShutdownRequest.newBuilder().setId(id).build(),
                Empty.getDefaultInstance());
        return exit;
    }

    /** By the names that containerd's typeurl gives to runtime-spec's types. */
    private static Any json(String type, String text) {
        return Any.newBuilder()
                .setTypeUrl("types.containerd.io/opencontainers/runtime-spec/1/" + type)
                .setValue(ByteString.copyFromUtf8(text))
                .build();
    }

    private <A extends Message> A call(String method, MessageLite request, A answer) {
        return task.call(method, request, answer);
    }

    @Override
    public void close() throws IOException {
        output.close();
        task.close();
    }
}
