// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import static io.hako.guest.PlayedGuest.GREETING;
import static io.hako.guest.PlayedGuest.call;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.protobuf.ByteString;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.GuestPath;
import io.hako.guest.proto.ExecRequest;
import io.hako.guest.proto.ListRequest;
import io.hako.guest.proto.ListResponse;
import io.hako.guest.proto.MountRequest;
import io.hako.guest.proto.ProcessResponse;
import io.hako.guest.proto.ProcessState;
import io.hako.guest.proto.ProcessStatus;
import io.hako.guest.proto.StatsRequest;
import io.hako.guest.proto.StatsResponse;
import io.hako.guest.proto.Stdio;
import io.hako.guest.proto.WaitRequest;
import io.hako.guest.proto.WaitResponse;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.RuleChain;
import org.junit.rules.Timeout;

/** Connecting to an agent, and what it answers. */
public class AgentCallsTest {
    private final Timeout limit = Timeout.seconds(30);
    private final PlayedGuest played = new PlayedGuest();

    @Rule public final RuleChain rules = RuleChain.outerRule(limit).around(played);

    @Test
    public void connectsToTheAgentsPortAndIsGreeted() {
        FakeAgent fake = played.serve(played.agentThat());

        Guest guest = played.connect();

        assertEquals(List.of("CONNECT 1024\n"), fake.asked());
        assertEquals(new GuestHello(1, "0.1.0", "6.1.0", "i1", false), guest.hello());
        assertTrue(guest.isOpen());
    }

    @Test
    public void missingSocketIsNotFound() {
        DriverException failure = assertThrows(DriverException.class, played::connect);

        assertEquals(FailureKind.NOT_FOUND, failure.failure());
        assertEquals(
                "There is no guest's socket %s.".formatted(played.path()), failure.getMessage());
    }

    @Test
    public void agentThatIsNotUpInTimeIsADeadline() {
        played.serve("", played.agentThat());

        DriverException failure =
                assertThrows(
                        DriverException.class,
                        () -> played.connect(CallScope.within(Duration.ofMillis(50))));

        assertEquals(FailureKind.DEADLINE_EXCEEDED, failure.failure());
        assertEquals(
                "The guest's agent was not up at %s within the time given for it."
                        .formatted(played.path()),
                failure.getMessage());
    }

    @Test
    public void refusedPortIsSaid() {
        played.serve("NO such\u001b port\n", played.agentThat());

        DriverException failure = assertThrows(DriverException.class, played::connect);

        assertEquals(FailureKind.UNAVAILABLE, failure.failure());
        assertEquals(
                "Port 1024 of the guest behind %s was refused: \"NO such  port\"."
                        .formatted(played.path()),
                failure.getMessage());
    }

    @Test
    public void agentOfAnotherProtocolIsUnsupported() {
        played.serve(played.agentWith(GREETING.toBuilder().setProtocol(2).build()));

        DriverException failure = assertThrows(DriverException.class, played::connect);

        assertEquals(FailureKind.UNSUPPORTED, failure.failure());
        assertEquals(
                "The agent of sandbox test@a speaks version 2 of its protocol, but hakod speaks 1"
                        + " to 1: make the pod anew.",
                failure.getMessage());
        assertTrue(played.losses().isEmpty());
    }

    @Test
    public void execCarriesEveryField() {
        AtomicReference<ExecRequest> seen = new AtomicReference<>(ExecRequest.getDefaultInstance());
        played.serve(
                played.agentThat()
                        .add(
                                "Exec",
                                ExecRequest.parser(),
                                (request, context) -> {
                                    seen.set(request);
                                    return ProcessResponse.newBuilder().setPid(17).build();
                                }));

        int pid =
                played.connect()
                        .exec(
                                "key",
                                new GuestProcessId("c", "e"),
                                "{\"args\":[]}",
                                new GuestStdio(true, 1, -2, 0, 24, 80),
                                call());

        assertEquals(17, pid);
        assertEquals(
                ExecRequest.newBuilder()
                        .setRequestKey("key")
                        .setContainerId("c")
                        .setExecId("e")
                        .setProcess(ByteString.copyFromUtf8("{\"args\":[]}"))
                        .setStdio(
                                Stdio.newBuilder()
                                        .setTerminal(true)
                                        .setStdin(1)
                                        .setStdout(-2)
                                        .setRows(24)
                                        .setColumns(80))
                        .build(),
                seen.get());
    }

    @Test
    public void failureOfTheAgentComesWithItsKindAndSentence() {
        played.serve(
                played.agentThat()
                        .add(
                                "Mount",
                                MountRequest.parser(),
                                (request, context) -> {
                                    throw new DriverException(
                                            FailureKind.NOT_FOUND,
                                            "There is no virtiofs tag \"x\".");
                                }));

        DriverException failure =
                assertThrows(
                        DriverException.class,
                        () ->
                                played.connect()
                                        .mount(
                                                "k",
                                                "virtiofs",
                                                "x",
                                                new GuestPath("/run/x"),
                                                List.of(),
                                                call()));

        assertEquals(FailureKind.NOT_FOUND, failure.failure());
        assertEquals("There is no virtiofs tag \"x\".", failure.getMessage());
    }

    @Test
    public void processesAreListedWithTheirEnd() {
        played.serve(
                played.agentThat()
                        .add(
                                "List",
                                ListRequest.parser(),
                                (request, context) ->
                                        ListResponse.newBuilder()
                                                .addProcesses(
                                                        ProcessStatus.newBuilder()
                                                                .setContainerId("c")
                                                                .setPid(7)
                                                                .setState(ProcessState.RUNNING))
                                                .addProcesses(
                                                        ProcessStatus.newBuilder()
                                                                .setContainerId("c")
                                                                .setExecId("e")
                                                                .setPid(8)
                                                                .setState(ProcessState.STOPPED)
                                                                .setExitStatus(137)
                                                                .setExitedAtNs(1)
                                                                .setOomKilled(true))
                                                .build()));

        assertEquals(
                List.of(
                        new GuestProcess(
                                GuestProcessId.first("c"),
                                7,
                                GuestProcess.State.RUNNING,
                                Optional.empty(),
                                GuestStdio.NONE),
                        new GuestProcess(
                                new GuestProcessId("c", "e"),
                                8,
                                GuestProcess.State.STOPPED,
                                Optional.of(new GuestExit(137, Instant.EPOCH.plusNanos(1), true)),
                                GuestStdio.NONE)),
                played.connect().list(call()));
    }

    @Test
    public void answersThatNoAgentGivesAreRefused() {
        played.serve(
                played.agentThat()
                        .add(
                                "Exec",
                                ExecRequest.parser(),
                                (request, context) ->
                                        ProcessResponse.newBuilder().setPid(-1).build())
                        .add(
                                "Wait",
                                WaitRequest.parser(),
                                (request, context) ->
                                        WaitResponse.newBuilder().setExitStatus(256).build())
                        .add(
                                "Stats",
                                StatsRequest.parser(),
                                (request, context) ->
                                        StatsResponse.newBuilder().setMemoryTotalBytes(-1).build())
                        .add(
                                "List",
                                ListRequest.parser(),
                                (request, context) ->
                                        ListResponse.newBuilder()
                                                .addProcesses(
                                                        ProcessStatus.newBuilder()
                                                                .setContainerId("a\nb")
                                                                .setState(ProcessState.CREATED))
                                                .build()));
        Guest guest = played.connect();

        assertRefused(
                "pid is 4294967295",
                () -> guest.exec("k", GuestProcessId.first("c"), "{}", GuestStdio.NONE, call()));
        assertRefused("exit status is 256", () -> guest.await(GuestProcessId.first("c"), call()));
        assertRefused("figure is 18446744073709551615", () -> guest.stats(List.of(), call()));
        assertRefused("container id is a text of 3 characters", () -> guest.list(call()));
    }

    private static void assertRefused(String why, Runnable call) {
        DriverException failure = assertThrows(DriverException.class, call::run);
        assertEquals(FailureKind.INTERNAL, failure.failure());
        assertEquals(
                "The guest's agent is broken or malicious: its %s.".formatted(why),
                failure.getMessage());
    }
}
