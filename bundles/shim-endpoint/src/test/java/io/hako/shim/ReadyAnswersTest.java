// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import static io.hako.shim.RunningEndpoint.OWNER;
import static io.hako.shim.RunningEndpoint.create;
import static io.hako.shim.RunningEndpoint.take;
import static org.junit.Assert.assertEquals;

import io.hako.host.shim.proto.LeaveAnswersRequest;
import io.hako.host.shim.proto.ReadyAnswer;
import io.hako.sandbox.TaskEvent;
import io.hako.shim.proto.ConnectRequest;
import io.hako.shim.proto.ConnectResponse;
import io.hako.shim.proto.PidsRequest;
import io.hako.shim.proto.PidsResponse;
import io.hako.shim.proto.StateRequest;
import io.hako.shim.proto.StateResponse;
import io.hako.shim.proto.Status;
import java.time.Instant;
import java.util.List;
import java.util.TreeSet;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.RuleChain;
import org.junit.rules.Timeout;

/** What is left with a shim for the time that hakod is away. */
public class ReadyAnswersTest {
    private final Timeout limit = Timeout.seconds(30);
    private final RunningEndpoint endpoint = new RunningEndpoint();

    @Rule public final RuleChain rules = RuleChain.outerRule(limit).around(endpoint);

    @Test
    public void theAnswersAreThoseThatThisDaemonWouldGive() throws Exception {
        FakeShim shim = endpoint.link();
        assertEquals(LeaveAnswersRequest.getDefaultInstance(), take(shim.answers()));
        create(shim, "containerd.task.v2.Task");
        happens(new TaskEvent.Started(FakeSandboxes.PID));

        LeaveAnswersRequest left = take(shim.answers());
        StateRequest state = StateRequest.newBuilder().setId("a").build();
        PidsRequest pids = PidsRequest.newBuilder().setId("a").build();
        ConnectRequest connect = ConnectRequest.newBuilder().setId("a").build();
        assertEquals(
                shim.ask(2, "State", state, StateResponse.parser()),
                StateResponse.parseFrom(find(left.getAliveList(), "State").getResponse()));
        assertEquals(state.toByteString(), find(left.getAliveList(), "State").getRequest());
        assertEquals(
                shim.ask(2, "Pids", pids, PidsResponse.parser()),
                PidsResponse.parseFrom(find(left.getAliveList(), "Pids").getResponse()));
        assertEquals(
                shim.ask(2, "Connect", connect, ConnectResponse.parser()),
                ConnectResponse.parseFrom(find(left.getDeadList(), "Connect").getResponse()));
    }

    @Test
    public void ofADeadMachineEveryProcessIsStoppedAtTheTimeOfItsEnd() throws Exception {
        FakeShim shim = endpoint.link();
        take(shim.answers());
        create(shim, "containerd.task.v2.Task");
        happens(new TaskEvent.Started(FakeSandboxes.PID));

        LeaveAnswersRequest left = take(shim.answers());
        ReadyAnswer state = find(left.getDeadList(), "State");
        StateResponse dead = StateResponse.parseFrom(state.getResponse());
        assertEquals(Status.STOPPED, dead.getStatus());
        assertEquals(137, dead.getExitStatus());
        assertEquals(StateResponse.EXITED_AT_FIELD_NUMBER, state.getExitTimeField());
        assertEquals(
                List.of("Connect", "Pids", "Shutdown", "State"),
                List.copyOf(
                        new TreeSet<>(
                                left.getDeadList().stream().map(ReadyAnswer::getMethod).toList())));
    }

    private void happens(TaskEvent.What what) {
        endpoint.sandboxes()
                .happens(new TaskEvent(OWNER, FakeShim.INSTANCE, 1, Instant.now(), "a", what));
    }

    private static ReadyAnswer find(List<ReadyAnswer> answers, String method) {
        return answers.stream()
                .filter(answer -> answer.getMethod().equals(method))
                .findFirst()
                .orElseThrow();
    }
}
