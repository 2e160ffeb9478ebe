// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import com.google.protobuf.MessageLite;
import io.hako.api.types.DriverException;
import io.hako.api.types.OwnerId;
import io.hako.host.shim.Shim;
import io.hako.host.shim.Shims;
import io.hako.host.shim.Subscription;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.Sandboxes;
import io.hako.shim.proto.ConnectRequest;
import io.hako.shim.proto.Empty;
import io.hako.shim.proto.PidsRequest;
import io.hako.shim.proto.ShutdownRequest;
import io.hako.shim.proto.StateRequest;
import io.hako.shim.proto.StateResponse;
import io.hako.shim.proto.Status;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps answers with the shims for the time that this daemon is away: to those calls that
 * containerd gives a few seconds and drops the task after. They are left anew after each event of a
 * sandbox.
 */
final class ReadyAnswers implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ReadyAnswers.class);
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final int KILLED = 137;

    private final Shims shims;
    private final Sandboxes sandboxes;
    private final Map<OwnerId, ReentrantLock> turns = new ConcurrentHashMap<>();
    private final Set<OwnerId> due = ConcurrentHashMap.newKeySet();
    private final Subscription following;

    ReadyAnswers(Shims shims, Sandboxes sandboxes) {
        this.shims = shims;
        this.sandboxes = sandboxes;
        this.following = sandboxes.follow(event -> changed(event.sandbox()));
    }

    /** Leaves new answers soon; returns at once. */
    void changed(OwnerId sandbox) {
        if (due.add(sandbox)) {
            Thread.ofVirtual().name("ready answers " + sandbox).start(() -> leave(sandbox));
        }
    }

    void lost(OwnerId sandbox) {
        turns.remove(sandbox);
    }

    @Override
    public void close() {
        following.close();
    }

    private void leave(OwnerId sandbox) {
        ReentrantLock turn = turns.computeIfAbsent(sandbox, owner -> new ReentrantLock());
        turn.lock();
        try {
            // From here on a change makes another turn, which waits for this one.
            due.remove(sandbox);
            shims.find(sandbox)
                    .ifPresentOrElse(
                            shim -> leave(sandbox, shim), () -> turns.remove(sandbox, turn));
        } catch (DriverException e) {
            LOG.debug("Sandbox {}: no ready answers were left: {}", sandbox, e.getMessage());
        } finally {
            turn.unlock();
        }
    }

    private void leave(OwnerId sandbox, Shim shim) {
        List<Shim.ReadyAnswer> alive = new ArrayList<>();
        List<Shim.ReadyAnswer> dead = new ArrayList<>();
        for (ProcessId id : sandboxes.processes(sandbox)) {
            states(TaskMessages.state(sandboxes.state(sandbox, id)), id, alive, dead);
            if (id.isFirst()) {
                both(container(sandbox, id.container()), alive, dead);
            }
        }
        shim.leaveAnswers(alive, dead, CallScope.within(LIMIT));
    }

    private List<Shim.ReadyAnswer> container(OwnerId sandbox, String id) {
        ShutdownRequest shutdown = ShutdownRequest.newBuilder().setId(id).build();
        return List.of(
                answer(
                        "Connect",
                        ConnectRequest.newBuilder().setId(id).build(),
                        TaskMessages.connection(sandboxes.connect(sandbox, id))),
                answer(
                        "Pids",
                        PidsRequest.newBuilder().setId(id).build(),
                        TaskMessages.pids(sandboxes.pids(sandbox, id))),
                // What is left then, `delete` takes away.
                answer("Shutdown", shutdown, Empty.getDefaultInstance()),
                answer(
                        "Shutdown",
                        shutdown.toBuilder().setNow(true).build(),
                        Empty.getDefaultInstance()));
    }

    private static void states(
            StateResponse state,
            ProcessId id,
            List<Shim.ReadyAnswer> alive,
            List<Shim.ReadyAnswer> dead) {
        StateRequest request =
                StateRequest.newBuilder().setId(id.container()).setExecId(id.exec()).build();
        alive.add(answer("State", request, state));
        if (state.getStatus() == Status.STOPPED) {
            dead.add(answer("State", request, state));
        } else {
            StateResponse ended =
                    state.toBuilder().setStatus(Status.STOPPED).setExitStatus(KILLED).build();
            dead.add(
                    new Shim.ReadyAnswer(
                            "State",
                            request.toByteArray(),
                            ended.toByteArray(),
                            StateResponse.EXITED_AT_FIELD_NUMBER));
        }
    }

    private static void both(
            List<Shim.ReadyAnswer> answers,
            List<Shim.ReadyAnswer> alive,
            List<Shim.ReadyAnswer> dead) {
        alive.addAll(answers);
        dead.addAll(answers);
    }

    private static Shim.ReadyAnswer answer(
            String method, MessageLite request, MessageLite response) {
        return new Shim.ReadyAnswer(method, request.toByteArray(), response.toByteArray(), 0);
    }
}
