// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import com.google.protobuf.Any;
import io.hako.api.types.DriverException;
import io.hako.api.types.OwnerId;
import io.hako.host.shim.ShimIdentity;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.RequestKey;
import io.hako.sandbox.Sandboxes;
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
import io.hako.shim.proto.PauseRequest;
import io.hako.shim.proto.PidsRequest;
import io.hako.shim.proto.PidsResponse;
import io.hako.shim.proto.ResizePtyRequest;
import io.hako.shim.proto.ResumeRequest;
import io.hako.shim.proto.ShutdownRequest;
import io.hako.shim.proto.StartRequest;
import io.hako.shim.proto.StartResponse;
import io.hako.shim.proto.StateRequest;
import io.hako.shim.proto.StatsRequest;
import io.hako.shim.proto.StatsResponse;
import io.hako.shim.proto.UpdateTaskRequest;
import io.hako.shim.proto.WaitRequest;
import io.hako.shim.proto.WaitResponse;
import io.hako.ttrpc.Methods;
import io.hako.ttrpc.RequestContext;
import io.hako.ttrpc.Service;
import java.util.List;
import java.util.function.Consumer;

/**
 * containerd's Task API over {@link Sandboxes}: messages to calls and back, nothing else. Versions
 * 2 and 3 differ in the service's name alone.
 *
 * @param farewell done before a sandbox is asked to end
 */
record TaskServices(Sandboxes sandboxes, Consumer<OwnerId> farewell) {
    private static final String VERSION_2 = "containerd.task.v2.Task";
    private static final String VERSION_3 = "containerd.task.v3.Task";

    /**
     * For one of containerd's connections to one shim; with the stream, these make a request's key.
     */
    List<Service> services(ShimIdentity shim, int connection) {
        Methods version2 = new Connection(shim, connection).methods();
        return List.of(version2, version2.as(VERSION_3));
    }

    private final class Connection {
        private final ShimIdentity shim;
        private final int number;

        Connection(ShimIdentity shim, int number) {
            this.shim = shim;
            this.number = number;
        }

        Methods methods() {
            return Methods.named(VERSION_2)
                    .add(
                            "State",
                            StateRequest.parser(),
                            (request, context) ->
                                    TaskMessages.state(
                                            sandboxes.state(
                                                    shim.owner(),
                                                    new ProcessId(
                                                            request.getId(), request.getExecId()))))
                    .add("Create", CreateTaskRequest.parser(), this::create)
                    .add("Start", StartRequest.parser(), this::start)
                    .add("Delete", DeleteRequest.parser(), this::delete)
                    .add("Pids", PidsRequest.parser(), this::pids)
                    .add(
                            "Pause",
                            PauseRequest.parser(),
                            (request, context) ->
                                    done(
                                            () ->
                                                    sandboxes.pause(
                                                            shim.owner(),
                                                            request.getId(),
                                                            context.call())))
                    .add(
                            "Resume",
                            ResumeRequest.parser(),
                            (request, context) ->
                                    done(
                                            () ->
                                                    sandboxes.resume(
                                                            shim.owner(),
                                                            request.getId(),
                                                            context.call())))
                    .add("Checkpoint", CheckpointTaskRequest.parser(), this::checkpoint)
                    .add(
                            "Kill",
                            KillRequest.parser(),
                            (request, context) ->
                                    done(
                                            () ->
                                                    sandboxes.kill(
                                                            key(context),
                                                            new ProcessId(
                                                                    request.getId(),
                                                                    request.getExecId()),
                                                            request.getSignal(),
                                                            request.getAll(),
                                                            context.call())))
                    .add(
                            "Exec",
                            ExecProcessRequest.parser(),
                            (request, context) ->
                                    done(
                                            () ->
                                                    sandboxes.exec(
                                                            key(context),
                                                            TaskMessages.exec(request),
                                                            context.call())))
                    .add(
                            "ResizePty",
                            ResizePtyRequest.parser(),
                            (request, context) ->
                                    done(
                                            () ->
                                                    sandboxes.resizePty(
                                                            shim.owner(),
                                                            new ProcessId(
                                                                    request.getId(),
                                                                    request.getExecId()),
                                                            request.getWidth(),
                                                            request.getHeight(),
                                                            context.call())))
                    .add("CloseIO", CloseIORequest.parser(), this::closeIo)
                    .add(
                            "Update",
                            UpdateTaskRequest.parser(),
                            (request, context) ->
                                    done(
                                            () ->
                                                    sandboxes.update(
                                                            key(context),
                                                            request.getId(),
                                                            TaskMessages.json(
                                                                    request.getResources()),
                                                            context.call())))
                    .add("Wait", WaitRequest.parser(), this::await)
                    .add("Stats", StatsRequest.parser(), this::stats)
                    .add("Connect", ConnectRequest.parser(), this::connect)
                    .add("Shutdown", ShutdownRequest.parser(), this::shutdown);
        }

        private CreateTaskResponse create(CreateTaskRequest request, RequestContext context) {
            int pid = sandboxes.create(key(context), TaskMessages.create(request), context.call());
            return CreateTaskResponse.newBuilder().setPid(pid).build();
        }

        private StartResponse start(StartRequest request, RequestContext context) {
            ProcessId process = new ProcessId(request.getId(), request.getExecId());
            return StartResponse.newBuilder()
                    .setPid(sandboxes.start(key(context), process, context.call()))
                    .build();
        }

        private DeleteResponse delete(DeleteRequest request, RequestContext context) {
            ProcessId process = new ProcessId(request.getId(), request.getExecId());
            ProcessExit exit = sandboxes.delete(key(context), process, context.call());
            return DeleteResponse.newBuilder()
                    .setPid(exit.pid())
                    .setExitStatus(exit.status())
                    .setExitedAt(TaskMessages.timestamp(exit.at()))
                    .build();
        }

        private PidsResponse pids(PidsRequest request, RequestContext context) {
            return TaskMessages.pids(sandboxes.pids(shim.owner(), request.getId()));
        }

        private Empty checkpoint(CheckpointTaskRequest request, RequestContext context) {
            throw DriverException.unsupported(
                    "A container in a virtual machine cannot be checkpointed: container %s is not."
                            .formatted(request.getId()));
        }

        private Empty closeIo(CloseIORequest request, RequestContext context) {
            ProcessId process = new ProcessId(request.getId(), request.getExecId());
            return done(
                    () -> {
                        if (request.getStdin()) {
                            sandboxes.closeIo(shim.owner(), process, context.call());
                        }
                    });
        }

        private WaitResponse await(WaitRequest request, RequestContext context) {
            ProcessId process = new ProcessId(request.getId(), request.getExecId());
            ProcessExit exit = sandboxes.await(shim.owner(), process, context.call());
            return WaitResponse.newBuilder()
                    .setExitStatus(exit.status())
                    .setExitedAt(TaskMessages.timestamp(exit.at()))
                    .build();
        }

        private StatsResponse stats(StatsRequest request, RequestContext context) {
            Any figures =
                    FigureMessages.metrics(
                            sandboxes.stats(shim.owner(), request.getId(), context.call()));
            return StatsResponse.newBuilder().setStats(figures).build();
        }

        private ConnectResponse connect(ConnectRequest request, RequestContext context) {
            return TaskMessages.connection(sandboxes.connect(shim.owner(), request.getId()));
        }

        private Empty shutdown(ShutdownRequest request, RequestContext context) {
            farewell.accept(shim.owner());
            sandboxes
                    .shutdown(key(context), request.getNow(), context.call())
                    .ifPresent(context::afterAnswer);
            return Empty.getDefaultInstance();
        }

        private RequestKey key(RequestContext context) {
            return new RequestKey(shim.owner(), shim.instance(), number, context.stream());
        }

        private static Empty done(Runnable verb) {
            verb.run();
            return Empty.getDefaultInstance();
        }
    }
}
