// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import static io.hako.shim.RunningEndpoint.OWNER;
import static io.hako.shim.RunningEndpoint.take;
import static org.junit.Assert.assertEquals;

import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.TaskEvent;
import io.hako.shim.proto.Empty;
import io.hako.shim.proto.events.ForwardRequest;
import io.hako.shim.proto.events.TaskExit;
import io.hako.ttrpc.Methods;
import io.hako.ttrpc.TtrpcServer;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.junit.After;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.RuleChain;
import org.junit.rules.Timeout;

/** Events on their way to a containerd that comes and goes. */
public class EventsTest {
    private final Timeout limit = Timeout.seconds(30);
    private final RunningEndpoint endpoint = new RunningEndpoint();

    @Rule public final RuleChain rules = RuleChain.outerRule(limit).around(endpoint);

    private final BlockingQueue<ForwardRequest> heard = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> namespaces = new LinkedBlockingQueue<>();
    private Optional<TtrpcServer> containerd = Optional.empty();
    private Optional<FakeShim> shim = Optional.empty();

    @After
    public void stop() {
        containerd.ifPresent(TtrpcServer::close);
        shim.ifPresent(FakeShim::close);
    }

    @Test
    public void anEventCarriesNamespaceTopicTypeAndTime() throws Exception {
        startContainerd();
        link();
        Instant at = Instant.ofEpochSecond(7, 8);
        ProcessExit exit = new ProcessExit(42, 3, at, "");
        endpoint.sandboxes()
                .happens(
                        new TaskEvent(
                                OWNER,
                                FakeShim.INSTANCE,
                                1,
                                at,
                                "a",
                                new TaskEvent.Exited("e", exit)));

        var envelope = take(heard).getEnvelope();
        assertEquals("test", take(namespaces));
        assertEquals(
                List.of("test", "/tasks/exit", "containerd.events.TaskExit"),
                List.of(
                        envelope.getNamespace(),
                        envelope.getTopic(),
                        envelope.getEvent().getTypeUrl()));
        TaskExit told = TaskExit.parseFrom(envelope.getEvent().getValue());
        assertEquals(
                TaskExit.newBuilder()
                        .setContainerId("a")
                        .setId("e")
                        .setPid(42)
                        .setExitStatus(3)
                        .setExitedAt(TaskMessages.timestamp(at))
                        .build(),
                told);
        assertEquals(1L, (long) take(endpoint.sandboxes().told()));
    }

    @Test
    public void whatHappensWhileContainerdIsAwayIsToldInOrderWhenItIsBack() throws Exception {
        link();
        happens(1, new TaskEvent.Started(7));
        happens(2, new TaskEvent.Paused());
        startContainerd();
        happens(3, new TaskEvent.Resumed());

        List<String> topics = List.of(topic(), topic(), topic());
        assertEquals(List.of("/tasks/start", "/tasks/paused", "/tasks/resumed"), topics);
    }

    @Test
    public void whatHappenedBeforeTheShimIsLinkedIsToldThen() throws Exception {
        startContainerd();
        happens(1, new TaskEvent.OutOfMemory());
        link();

        assertEquals("/tasks/oom", topic());
    }

    @Test
    public void anEventThatCannotBeNotedDoesNotKeepTheNextFromBeingTold() throws Exception {
        startContainerd();
        link();
        endpoint.sandboxes().full(true);
        happens(1, new TaskEvent.Started(7));
        happens(2, new TaskEvent.Paused());

        assertEquals(List.of("/tasks/start", "/tasks/paused"), List.of(topic(), topic()));
    }

    @Test
    public void whatIsRecordedOfTheEndOfAShimIsToldAfterIt() throws Exception {
        startContainerd();
        link();
        assertEquals("+test@a", take(endpoint.comings()));
        shim.orElseThrow().close();
        assertEquals("-test@a", take(endpoint.comings()));
        happens(1, new TaskEvent.Deleted(new ProcessExit(7, 137, Instant.now(), "")));

        assertEquals("/tasks/delete", topic());
    }

    @Test
    public void whatHappenedToAnEarlierSandboxOfTheIdIsNotToldOfThisOne() throws Exception {
        startContainerd();
        happens("boot0", 7, new TaskEvent.OutOfMemory());
        happens(1, new TaskEvent.Started(7));
        link();

        assertEquals("/tasks/start", topic());
        assertEquals(1L, (long) take(endpoint.sandboxes().told()));
    }

    @Test
    public void anOutboxWithoutAShimGoesOnceNothingIsToBeToldOfIt() throws Exception {
        try (Events events = new Events(endpoint.shims(), endpoint.sandboxes())) {
            happens(1, new TaskEvent.Started(7));
            Instant soon = Instant.now().plus(EventOutbox.IDLE).plusSeconds(1);
            events.dropIdle(soon);
            assertEquals("what it has may still be told", 1, events.size());
            events.dropIdle(soon.plusSeconds(600));
            assertEquals(0, events.size());
        }
    }

    private String topic() throws InterruptedException {
        return take(heard).getEnvelope().getTopic();
    }

    private void happens(long number, TaskEvent.What what) {
        happens(FakeShim.INSTANCE, number, what);
    }

    private void happens(String instance, long number, TaskEvent.What what) {
        endpoint.sandboxes()
                .happens(new TaskEvent(OWNER, instance, number, Instant.now(), "a", what));
    }

    private void startContainerd() {
        Methods events =
                Methods.named("containerd.services.events.ttrpc.v1.Events")
                        .add(
                                "Forward",
                                ForwardRequest.parser(),
                                (request, context) -> {
                                    namespaces.add(
                                            context.metadata()
                                                    .getOrDefault(
                                                            "containerd-namespace-ttrpc", "none"));
                                    heard.add(request);
                                    return Empty.getDefaultInstance();
                                });
        containerd = Optional.of(TtrpcServer.listen(socket(), List.of(events)));
    }

    private void link() throws IOException {
        var hello = FakeShim.hello("a").toBuilder().setEventsAddress(socket().toString()).build();
        shim = Optional.of(FakeShim.linked(endpoint.run(), hello, RunningEndpoint.EPOCH));
    }

    private Path socket() {
        return endpoint.run().resolve("containerd.sock.ttrpc");
    }
}
