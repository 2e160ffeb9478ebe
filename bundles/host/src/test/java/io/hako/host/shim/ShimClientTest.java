// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.protobuf.ByteString;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.host.shim.proto.DrainStdioRequest;
import io.hako.host.shim.proto.DrainStdioResponse;
import io.hako.host.shim.proto.Empty;
import io.hako.host.shim.proto.Event;
import io.hako.host.shim.proto.EventsRequest;
import io.hako.host.shim.proto.EventsResponse;
import io.hako.host.shim.proto.GuestLink;
import io.hako.host.shim.proto.MountsResponse;
import io.hako.host.shim.proto.OutputResponse;
import io.hako.host.shim.proto.PathRequest;
import io.hako.host.shim.proto.Process;
import io.hako.host.shim.proto.RoleRequest;
import io.hako.host.shim.proto.StreamFailed;
import io.hako.ttrpc.CallScope;
import io.hako.ttrpc.Methods;
import io.hako.ttrpc.SocketFrameChannel;
import io.hako.ttrpc.TtrpcServer;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** The shim's client against a server that plays the shim over a real socket. */
public class ShimClientTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    @Rule public final Timeout limit = Timeout.seconds(30);

    private final BlockingQueue<EventsResponse> batches = new LinkedBlockingQueue<>();
    private final BlockingQueue<Long> acknowledged = new LinkedBlockingQueue<>();
    private final CountDownLatch parked = new CountDownLatch(1);
    private final CountDownLatch quitting = new CountDownLatch(1);
    private final CountDownLatch ended = new CountDownLatch(1);
    private TtrpcServer server;
    private ShimClient shim;

    @Before
    public void start() throws IOException {
        Path path = folder.getRoot().toPath().resolve("run").resolve("shim.sock");
        Methods service =
                Methods.named("hako.shim.v1.Shim")
                        .add(
                                "Forget",
                                RoleRequest.parser(),
                                (request, context) -> {
                                    throw new DriverException(
                                            FailureKind.FAILED_PRECONDITION, "Process vmm lives.");
                                })
                        .add(
                                "Output",
                                RoleRequest.parser(),
                                (request, context) ->
                                        OutputResponse.newBuilder()
                                                .setNewest(ByteString.copyFrom(new byte[] {1, 2}))
                                                .setDropped(9)
                                                .build())
                        .add(
                                "Mounts",
                                PathRequest.parser(),
                                (request, context) ->
                                        MountsResponse.newBuilder()
                                                .addTargets(request.getPath() + "/b")
                                                .build())
                        .add(
                                "DrainStdio",
                                DrainStdioRequest.parser(),
                                (request, context) ->
                                        DrainStdioResponse.newBuilder()
                                                .setUndelivered(request.getIdleLimitMs())
                                                .build())
                        .add(
                                "Quit",
                                Empty.parser(),
                                (request, context) -> {
                                    quitting.countDown();
                                    awaitLatch(parked);
                                    return request;
                                })
                        .add(
                                "Events",
                                EventsRequest.parser(),
                                (request, context) -> {
                                    acknowledged.add(request.getAfter());
                                    return nextBatch();
                                });
        server = TtrpcServer.listen(path, List.of(service));
        SocketChannel socket = SocketChannel.open(UnixDomainSocketAddress.of(path));
        shim = new ShimClient(identity(), new SocketFrameChannel("test", socket), ended::countDown);
    }

    @After
    public void stop() {
        parked.countDown();
        shim.close();
        server.close();
    }

    private EventsResponse nextBatch() {
        return Optional.ofNullable(batches.poll())
                .orElseGet(
                        () -> {
                            awaitLatch(parked);
                            return EventsResponse.getDefaultInstance();
                        });
    }

    @Test
    public void answersComeAsRecords() {
        assertArrayEquals(new byte[] {1, 2}, shim.output("vmm", call()).newest());
        assertEquals(9, shim.output("vmm", call()).dropped());
        assertEquals(List.of(Path.of("/p/b")), shim.mounts(Path.of("/p"), call()));
        assertEquals(
                new Shim.Drained(false, 2000),
                shim.drainStdio(new StdioId("c", ""), Duration.ofSeconds(2), call()));
    }

    @Test
    public void failureOfTheShimKeepsItsKindAndSentence() {
        DriverException failure =
                assertThrows(DriverException.class, () -> shim.forget("vmm", call()));

        assertEquals(FailureKind.FAILED_PRECONDITION, failure.failure());
        assertEquals("Process vmm lives.", failure.getMessage());
    }

    @Test
    public void eventsReachEveryReceiverAndAreAcknowledged() throws Exception {
        batches.add(
                EventsResponse.newBuilder()
                        .addEvents(
                                Event.newBuilder()
                                        .setSequence(4)
                                        .setTimeNs(1)
                                        .setProcessExited(
                                                Process.newBuilder()
                                                        .setRole("vmm")
                                                        .setPid(100)
                                                        .setExit(
                                                                io.hako.host.shim.proto.ExitStatus
                                                                        .newBuilder()
                                                                        .setSignalled(9)
                                                                        .setTimeNs(2))))
                        .addEvents(
                                Event.newBuilder()
                                        .setSequence(5)
                                        .setGuestLink(GuestLink.newBuilder().setUp(true)))
                        .addEvents(
                                Event.newBuilder()
                                        .setSequence(6)
                                        .setStreamFailed(
                                                StreamFailed.newBuilder()
                                                        .setContainerId("c")
                                                        .setSentence("No.")))
                        .addEvents(Event.newBuilder().setSequence(7))
                        .build());
        BlockingQueue<ShimEvent> events = new LinkedBlockingQueue<>();

        shim.subscribe(events::add);

        Instant epoch = Instant.EPOCH;
        ShimProcess killed =
                new ShimProcess(
                        "vmm",
                        100,
                        0,
                        Optional.of(
                                new ShimProcess.End(
                                        new ExitStatus.Signalled(9), epoch.plusNanos(2))));
        assertEquals(new ShimEvent.ProcessExited(4, epoch.plusNanos(1), killed), events.take());
        assertEquals(new ShimEvent.GuestLink(5, epoch, true), events.take());
        assertEquals(
                new ShimEvent.StreamFailed(6, epoch, new StdioId("c", ""), "No."), events.take());
        assertEquals(new ShimEvent.Unknown(7, epoch), events.take());
        assertEquals(List.of(0L, 7L), List.of(acknowledged.take(), acknowledged.take()));
    }

    @Test
    public void shimThatEndsWithoutAnAnswerHasQuit() throws Exception {
        CompletableFuture<Boolean> quit =
                CompletableFuture.supplyAsync(
                        () -> {
                            shim.quit(call());
                            return true;
                        },
                        task -> Thread.ofVirtual().start(task));
        awaitLatch(quitting);

        shim.close();

        assertTrue(quit.get());
        assertEquals(
                FailureKind.UNAVAILABLE,
                assertThrows(DriverException.class, () -> shim.quit(call())).failure());
    }

    @Test
    public void endOfTheLinkIsTold() {
        server.close();

        awaitLatch(ended);
        assertEquals(
                FailureKind.UNAVAILABLE,
                assertThrows(DriverException.class, () -> shim.processes(call())).failure());
    }

    private static void awaitLatch(CountDownLatch latch) {
        try {
            assertTrue(latch.await(20, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static ShimIdentity identity() {
        return new ShimIdentity(
                "test",
                "a",
                Path.of("/b"),
                1,
                "i",
                1,
                "0.1.0",
                Path.of("/run/pods/test@a"),
                Optional.empty());
    }

    private static CallScope call() {
        return CallScope.within(Duration.ofSeconds(20));
    }
}
