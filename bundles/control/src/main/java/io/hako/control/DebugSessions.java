// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.control.proto.AwaitDebugRequest;
import io.hako.control.proto.AwaitDebugResponse;
import io.hako.control.proto.DebugRequest;
import io.hako.control.proto.Empty;
import io.hako.control.proto.SteerDebugRequest;
import io.hako.sandbox.DebugSession;
import io.hako.sandbox.DebugTask;
import io.hako.sandbox.Sandboxes;
import io.hako.sandbox.StdioPaths;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The debug sessions of this daemon's operators, by the names that they gave. Thread-safe. */
final class DebugSessions {
    private final Sandboxes sandboxes;
    private final Map<String, DebugSession> open = new ConcurrentHashMap<>();

    DebugSessions(Sandboxes sandboxes) {
        this.sandboxes = sandboxes;
    }

    Empty begin(DebugRequest request, String user, Call call) {
        DebugTask task =
                new DebugTask(
                        request.getSandbox(),
                        request.getSession(),
                        user,
                        request.getArgumentsList(),
                        request.getEnvironmentList(),
                        new StdioPaths(
                                request.getTerminal(),
                                request.getStdin(),
                                request.getStdout(),
                                request.getStderr()),
                        request.getRows(),
                        request.getColumns());
        open.values().removeIf(DebugSession::isOver);
        open.put(request.getSession(), sandboxes.debug(task, call));
        return Empty.getDefaultInstance();
    }

    AwaitDebugResponse await(AwaitDebugRequest request, Call call) {
        DebugSession session = session(request.getSession());
        try {
            return AwaitDebugResponse.newBuilder().setExitStatus(session.await(call)).build();
        } finally {
            open.remove(request.getSession(), session);
        }
    }

    Empty steer(SteerDebugRequest request, Call call) {
        DebugSession session = session(request.getSession());
        switch (request.getWhatCase()) {
            case SIGNAL -> session.signal(request.getSignal(), call);
            case CLOSE_INPUT -> session.closeInput(call);
            case WINDOW ->
                    session.resize(
                            request.getWindow().getRows(), request.getWindow().getColumns(), call);
            case WHAT_NOT_SET -> throw DriverException.invalid("Nothing says how to steer it.");
        }
        return Empty.getDefaultInstance();
    }

    private DebugSession session(String name) {
        return Optional.ofNullable(open.get(name))
                .orElseThrow(
                        () ->
                                new DriverException(
                                        FailureKind.NOT_FOUND,
                                        "There is no debug session \"%s\".".formatted(name)));
    }
}
