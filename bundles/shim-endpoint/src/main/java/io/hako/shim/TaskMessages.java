// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import com.google.protobuf.Any;
import com.google.protobuf.Timestamp;
import io.hako.api.types.DriverException;
import io.hako.api.types.Names;
import io.hako.sandbox.Connection;
import io.hako.sandbox.CreateTask;
import io.hako.sandbox.ExecTask;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.ProcessState;
import io.hako.sandbox.StdioPaths;
import io.hako.sandbox.TaskPid;
import io.hako.shim.proto.ConnectResponse;
import io.hako.shim.proto.CreateTaskRequest;
import io.hako.shim.proto.ExecProcessRequest;
import io.hako.shim.proto.PidsResponse;
import io.hako.shim.proto.ProcessDetails;
import io.hako.shim.proto.ProcessInfo;
import io.hako.shim.proto.StateResponse;
import io.hako.shim.proto.Status;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/** containerd's messages as the daemon's records, and back. */
final class TaskMessages {
    private static final String PROCESS_DETAILS = "containerd.runc.v1.ProcessDetails";

    private TaskMessages() {}

    static CreateTask create(CreateTaskRequest request) {
        if (!request.getCheckpoint().isEmpty()) {
            throw DriverException.unsupported(
                    "Container %s cannot be restored from a checkpoint in a virtual machine."
                            .formatted(request.getId()));
        }
        return new CreateTask(
                request.getId(),
                Names.absolute("The path of a bundle", Path.of(request.getBundle())),
                request.getRootfsList().stream()
                        .map(
                                mount ->
                                        new CreateTask.RootfsMount(
                                                mount.getType(),
                                                mount.getSource(),
                                                mount.getOptionsList()))
                        .toList(),
                new StdioPaths(
                        request.getTerminal(),
                        request.getStdin(),
                        request.getStdout(),
                        request.getStderr()),
                RuntimeProfile.of(request.getOptions()));
    }

    static ExecTask exec(ExecProcessRequest request) {
        return new ExecTask(
                new ProcessId(request.getId(), request.getExecId()),
                json(request.getSpec()),
                new StdioPaths(
                        request.getTerminal(),
                        request.getStdin(),
                        request.getStdout(),
                        request.getStderr()));
    }

    /** What containerd puts into an Any of a type that protobuf does not know: JSON. */
    static String json(Any any) {
        return any.getValue().toStringUtf8();
    }

    static StateResponse state(ProcessState state) {
        StateResponse.Builder answer =
                StateResponse.newBuilder()
                        .setId(state.id().container())
                        .setExecId(state.id().exec())
                        .setBundle(state.bundle().toString())
                        .setPid(state.pid())
                        .setStatus(status(state.status()))
                        .setStdin(state.stdio().stdin())
                        .setStdout(state.stdio().stdout())
                        .setStderr(state.stdio().stderr())
                        .setTerminal(state.stdio().terminal());
        state.exit()
                .ifPresent(
                        exit ->
                                answer.setExitStatus(exit.status())
                                        .setExitedAt(timestamp(exit.at())));
        return answer.build();
    }

    private static Status status(ProcessState.Status status) {
        return switch (status) {
            case CREATED -> Status.CREATED;
            case RUNNING -> Status.RUNNING;
            case PAUSED -> Status.PAUSED;
            case STOPPED -> Status.STOPPED;
        };
    }

    /** A further process tells its id, as runc's shim does. */
    static ProcessInfo process(TaskPid process) {
        ProcessInfo.Builder info = ProcessInfo.newBuilder().setPid(process.pid());
        if (!process.exec().isEmpty()) {
            ProcessDetails details = ProcessDetails.newBuilder().setExecId(process.exec()).build();
            info.setInfo(
                    Any.newBuilder().setTypeUrl(PROCESS_DETAILS).setValue(details.toByteString()));
        }
        return info.build();
    }

    static ConnectResponse connection(Connection connection) {
        return ConnectResponse.newBuilder()
                .setShimPid(connection.shimPid())
                .setTaskPid(connection.taskPid())
                .setVersion(connection.version())
                .build();
    }

    static PidsResponse pids(List<TaskPid> processes) {
        return PidsResponse.newBuilder()
                .addAllProcesses(processes.stream().map(TaskMessages::process).toList())
                .build();
    }

    static Timestamp timestamp(Instant instant) {
        return Timestamp.newBuilder()
                .setSeconds(instant.getEpochSecond())
                .setNanos(instant.getNano())
                .build();
    }
}
