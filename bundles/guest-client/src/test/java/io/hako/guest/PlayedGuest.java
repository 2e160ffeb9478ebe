// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import io.hako.api.types.OwnerId;
import io.hako.guest.proto.EventsRequest;
import io.hako.guest.proto.EventsResponse;
import io.hako.guest.proto.HelloRequest;
import io.hako.guest.proto.HelloResponse;
import io.hako.ttrpc.CallScope;
import io.hako.ttrpc.Methods;
import io.hako.ttrpc.RequestContext;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.rules.ExternalResource;
import org.junit.rules.TemporaryFolder;

/** A guest's socket with an agent that is played, and everything that a listener is told. */
final class PlayedGuest extends ExternalResource {
    static final OwnerId SANDBOX = new OwnerId("test", "a");
    static final HelloResponse GREETING =
            HelloResponse.newBuilder()
                    .setProtocol(1)
                    .setAgentVersion("0.1.0")
                    .setKernelRelease("6.1.0")
                    .setInstance("i1")
                    .build();

    private final TemporaryFolder folder = new TemporaryFolder();
    private final AgentConnector guests = new AgentConnector();
    private final BlockingQueue<GuestEvent> events = new LinkedBlockingQueue<>();
    private final BlockingQueue<String> losses = new LinkedBlockingQueue<>();
    private final BlockingQueue<Long> acknowledged = new LinkedBlockingQueue<>();
    private final BlockingQueue<EventsResponse> batches = new LinkedBlockingQueue<>();
    private Optional<FakeAgent> agent = Optional.empty();

    @Override
    protected void before() throws IOException {
        folder.create();
    }

    @Override
    protected void after() {
        guests.stop();
        agent.ifPresent(FakeAgent::close);
        folder.delete();
    }

    Path path() {
        return folder.getRoot().toPath().resolve("pod").resolve("guest.sock");
    }

    BlockingQueue<GuestEvent> events() {
        return events;
    }

    BlockingQueue<String> losses() {
        return losses;
    }

    /** What each question for events acknowledged. */
    BlockingQueue<Long> acknowledged() {
        return acknowledged;
    }

    /** What the agent answers to the next questions for events; to none while it is empty. */
    BlockingQueue<EventsResponse> batches() {
        return batches;
    }

    FakeAgent serve(Methods methods) {
        return serve("OK 1024\n", methods);
    }

    FakeAgent serve(String handshake, Methods methods) {
        FakeAgent fake = new FakeAgent(path(), handshake, methods);
        agent = Optional.of(fake);
        return fake;
    }

    /** An agent that greets and has events; other methods are for the test to add. */
    Methods agentThat() {
        return agentWith(GREETING);
    }

    Methods agentWith(HelloResponse greeting) {
        return Methods.named("hako.agent.v1.Agent")
                .add("Hello", HelloRequest.parser(), (request, context) -> greeting)
                .add(
                        "Events",
                        EventsRequest.parser(),
                        (request, context) -> {
                            acknowledged.add(request.getAfter());
                            return Optional.ofNullable(batches.poll())
                                    .orElseGet(
                                            () -> {
                                                park(context);
                                                return EventsResponse.getDefaultInstance();
                                            });
                        });
    }

    /** Keeps a call open until its connection ends. */
    static void park(RequestContext context) {
        ReentrantLock lock = new ReentrantLock();
        lock.lock();
        try {
            CallScope.await(context.call(), lock, lock.newCondition(), () -> false);
        } finally {
            lock.unlock();
        }
    }

    Guest connect() {
        return connect(call());
    }

    Guest connect(CallScope call) {
        return guests.connect(SANDBOX, path(), listener(), call);
    }

    private GuestListener listener() {
        return new GuestListener() {
            @Override
            public void happened(GuestEvent event) {
                events.add(event);
            }

            @Override
            public void lost(String why) {
                losses.add(why);
            }
        };
    }

    static CallScope call() {
        return CallScope.within(Duration.ofSeconds(20));
    }

    static <T> T take(BlockingQueue<T> queue) throws InterruptedException {
        return Optional.ofNullable(queue.poll(20, TimeUnit.SECONDS))
                .orElseThrow(AssertionError::new);
    }
}
