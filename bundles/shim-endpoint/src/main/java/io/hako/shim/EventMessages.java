// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import com.google.protobuf.Any;
import com.google.protobuf.Message;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.StdioPaths;
import io.hako.sandbox.TaskEvent;
import io.hako.shim.proto.events.Envelope;
import io.hako.shim.proto.events.ForwardRequest;
import io.hako.shim.proto.events.TaskCreate;
import io.hako.shim.proto.events.TaskDelete;
import io.hako.shim.proto.events.TaskExecAdded;
import io.hako.shim.proto.events.TaskExecStarted;
import io.hako.shim.proto.events.TaskExit;
import io.hako.shim.proto.events.TaskIO;
import io.hako.shim.proto.events.TaskOOM;
import io.hako.shim.proto.events.TaskPaused;
import io.hako.shim.proto.events.TaskResumed;
import io.hako.shim.proto.events.TaskStart;

/** Events in containerd's words: topics of containerd core/runtime/events.go. */
final class EventMessages {
    private record Topical(String topic, Message event) {}

    private EventMessages() {}

    static ForwardRequest forward(String namespace, TaskEvent event) {
        Topical told = topical(event.container(), event.what());
        // containerd looks the type up by its bare name, which Any.pack would prefix.
        Any any =
                Any.newBuilder()
                        .setTypeUrl(told.event().getDescriptorForType().getFullName())
                        .setValue(told.event().toByteString())
                        .build();
        return ForwardRequest.newBuilder()
                .setEnvelope(
                        Envelope.newBuilder()
                                .setTimestamp(TaskMessages.timestamp(event.at()))
                                .setNamespace(namespace)
                                .setTopic("/tasks/" + told.topic())
                                .setEvent(any))
                .build();
    }

    private static Topical topical(String container, TaskEvent.What what) {
        return switch (what) {
            case TaskEvent.Created created -> new Topical("create", created(container, created));
            case TaskEvent.Started started ->
                    new Topical(
                            "start",
                            TaskStart.newBuilder()
                                    .setContainerId(container)
                                    .setPid(started.pid())
                                    .build());
            case TaskEvent.ExecAdded added ->
                    new Topical(
                            "exec-added",
                            TaskExecAdded.newBuilder()
                                    .setContainerId(container)
                                    .setExecId(added.exec())
                                    .build());
            case TaskEvent.ExecStarted started ->
                    new Topical(
                            "exec-started",
                            TaskExecStarted.newBuilder()
                                    .setContainerId(container)
                                    .setExecId(started.exec())
                                    .setPid(started.pid())
                                    .build());
            case TaskEvent.Paused paused ->
                    new Topical(
                            "paused", TaskPaused.newBuilder().setContainerId(container).build());
            case TaskEvent.Resumed resumed ->
                    new Topical(
                            "resumed", TaskResumed.newBuilder().setContainerId(container).build());
            case TaskEvent.OutOfMemory shortage ->
                    new Topical("oom", TaskOOM.newBuilder().setContainerId(container).build());
            case TaskEvent.Exited exited ->
                    new Topical("exit", exited(container, exited.exec(), exited.exit()));
            case TaskEvent.Deleted deleted ->
                    new Topical("delete", deleted(container, deleted.exit()));
        };
    }

    private static TaskCreate created(String container, TaskEvent.Created created) {
        StdioPaths stdio = created.stdio();
        return TaskCreate.newBuilder()
                .setContainerId(container)
                .setBundle(created.bundle().toString())
                .setIo(
                        TaskIO.newBuilder()
                                .setStdin(stdio.stdin())
                                .setStdout(stdio.stdout())
                                .setStderr(stdio.stderr())
                                .setTerminal(stdio.terminal()))
                .setPid(created.pid())
                .build();
    }

    private static TaskExit exited(String container, String exec, ProcessExit exit) {
        return TaskExit.newBuilder()
                .setContainerId(container)
                .setId(exec.isEmpty() ? container : exec)
                .setPid(exit.pid())
                .setExitStatus(exit.status())
                .setExitedAt(TaskMessages.timestamp(exit.at()))
                .build();
    }

    private static TaskDelete deleted(String container, ProcessExit exit) {
        return TaskDelete.newBuilder()
                .setContainerId(container)
                .setId(container)
                .setPid(exit.pid())
                .setExitStatus(exit.status())
                .setExitedAt(TaskMessages.timestamp(exit.at()))
                .build();
    }
}
