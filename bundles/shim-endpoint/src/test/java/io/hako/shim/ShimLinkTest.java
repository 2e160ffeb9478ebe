// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import static io.hako.shim.RunningEndpoint.EPOCH;
import static io.hako.shim.RunningEndpoint.OWNER;
import static io.hako.shim.RunningEndpoint.call;
import static io.hako.shim.RunningEndpoint.create;
import static io.hako.shim.RunningEndpoint.inBackground;
import static io.hako.shim.RunningEndpoint.take;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import com.google.protobuf.ByteString;
import io.hako.api.types.FailureKind;
import io.hako.host.shim.Shim;
import io.hako.shim.proto.Empty;
import io.hako.shim.proto.KillRequest;
import io.hako.shim.proto.ShutdownRequest;
import io.hako.shim.proto.WaitRequest;
import io.hako.shim.proto.WaitResponse;
import io.hako.ttrpc.Frame;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.RuleChain;
import org.junit.rules.Timeout;

/** How links of shims begin, end and replace one another. */
public class ShimLinkTest {
    private final Timeout limit = Timeout.seconds(30);
    private final RunningEndpoint endpoint = new RunningEndpoint();

    @Rule public final RuleChain rules = RuleChain.outerRule(limit).around(endpoint);

    @Test
    public void shimThatSaysHelloIsKnownAndCanBeAsked() throws IOException {
        endpoint.link();

        Shim shim = endpoint.shims().await(OWNER, call());

        assertEquals("test", shim.identity().namespace());
        assertEquals("a", shim.identity().sandboxId());
        assertEquals(42, shim.identity().pid());
        assertEquals(Path.of("/run/pods/test@a"), shim.identity().podDirectory());
        assertEquals(Optional.empty(), shim.identity().eventsAddress());
        assertEquals(Map.of("memory", 7), shim.kept(call()));
    }

    @Test
    public void shutdownIsAnsweredBeforeTheShimIsAskedToQuit() throws Exception {
        FakeShim shim = endpoint.link();
        endpoint.sandboxes().onQuit(() -> endpoint.shims().await(OWNER, call()).quit(call()));

        shim.ask(1, "Shutdown", ShutdownRequest.newBuilder().setId("a").build(), Empty.parser());

        assertTrue(shim.quit().get());
    }

    @Test
    public void closingAConnectionCancelsWhatRunsOnItAlone() throws Exception {
        FakeShim shim = endpoint.link();
        create(shim, "containerd.task.v2.Task");
        take(endpoint.sandboxes().calls());
        CompletableFuture<WaitResponse> other =
                inBackground(
                        () ->
                                shim.ask(
                                        1,
                                        "Wait",
                                        WaitRequest.newBuilder().setId("a").build(),
                                        WaitResponse.parser()));
        assertEquals("await a", take(endpoint.sandboxes().calls()));
        inBackground(
                () ->
                        shim.ask(
                                2,
                                "Wait",
                                WaitRequest.newBuilder().setId("a").build(),
                                WaitResponse.parser()));
        assertEquals("await a", take(endpoint.sandboxes().calls()));

        shim.closeConnection(2);

        assertEquals(FailureKind.CANCELLED, take(endpoint.sandboxes().endsOfWaits()));
        assertFalse(other.isDone());
        shim.ask(
                1,
                "Kill",
                KillRequest.newBuilder().setId("a").setSignal(9).build(),
                Empty.parser());
        assertEquals(137, other.get().getExitStatus());
    }

    @Test
    public void lossOfTheLinkIsToldAndCancelsWhatRan() throws Exception {
        FakeShim shim = endpoint.link();
        create(shim, "containerd.task.v2.Task");
        take(endpoint.sandboxes().calls());
        inBackground(
                () ->
                        shim.ask(
                                1,
                                "Wait",
                                WaitRequest.newBuilder().setId("a").build(),
                                WaitResponse.parser()));
        assertEquals("await a", take(endpoint.sandboxes().calls()));
        assertEquals("+test@a", take(endpoint.comings()));

        shim.close();

        assertEquals("-test@a", take(endpoint.comings()));
        assertEquals(FailureKind.CANCELLED, take(endpoint.sandboxes().endsOfWaits()));
        assertEquals(Optional.empty(), endpoint.shims().find(OWNER));
    }

    @Test
    public void secondLinkOfASandboxTakesThePlaceOfTheFirst() throws Exception {
        FakeShim first = endpoint.link();
        endpoint.shims().await(OWNER, call());

        endpoint.link();

        assertTrue(first.ended().get());
        assertEquals(
                List.of("+test@a", "-test@a", "+test@a"),
                List.of(
                        take(endpoint.comings()),
                        take(endpoint.comings()),
                        take(endpoint.comings())));
        assertEquals(Map.of("memory", 7), endpoint.shims().await(OWNER, call()).kept(call()));
    }

    @Test
    public void shimOfANewerDaemonIsNotAnswered() throws IOException {
        try (FakeShim shim =
                FakeShim.greeting(
                        endpoint.run(),
                        FakeShim.hello("a").toBuilder().setHighestEpoch(EPOCH + 1).build())) {
            assertTrue(shim.isRefused());
        }
    }

    @Test
    public void whoeverSpeaksBeforeTheGreetingIsDropped() throws IOException {
        try (FakeShim shim = FakeShim.speaking(endpoint.run(), Frame.REQUEST, ByteString.EMPTY)) {
            assertTrue(shim.isRefused());
        }
    }

    @Test
    public void namesThatAreNoNamesAreDropped() throws IOException {
        try (FakeShim shim = FakeShim.greeting(endpoint.run(), FakeShim.hello("../a"))) {
            assertTrue(shim.isRefused());
        }
    }

    @Test
    public void responseFromTheShimOnAConnectionOfContainerdEndsTheLink() throws Exception {
        FakeShim shim = endpoint.link();

        shim.send(1, Frame.response(1, ByteString.EMPTY));

        assertTrue(shim.ended().get());
    }

    @Test
    public void stopEndsLinksAndRemovesTheSocket() throws Exception {
        FakeShim shim = endpoint.link();

        endpoint.stop();

        assertTrue(shim.ended().get());
        assertFalse(Files.exists(endpoint.run().resolve("shims.sock")));
        assertEquals(Optional.empty(), endpoint.shims().find(OWNER));
    }
}
