// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.protobuf.ByteString;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.ttrpc.proto.KeyValue;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** Client and server over a real unix socket. */
public class CallsTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    @Rule public final Timeout limit = Timeout.seconds(30);

    private final Map<String, CountDownLatch> gates = new ConcurrentHashMap<>();
    private final Map<String, CountDownLatch> entered = new ConcurrentHashMap<>();
    private final CompletableFuture<FailureKind> parkedEndedBy = new CompletableFuture<>();
    private final CountDownLatch clientEnded = new CountDownLatch(1);
    private Path path;
    private TtrpcServer server;
    private TtrpcClient client;

    @Before
    public void start() throws IOException {
        path = folder.getRoot().toPath().resolve("run").resolve("test.sock");
        Methods service =
                Methods.named("test.Echo")
                        .add("Echo", KeyValue.parser(), (request, context) -> request)
                        .add(
                                "Peer",
                                KeyValue.parser(),
                                (request, context) ->
                                        request.toBuilder().setValue(context.peer().user()).build())
                        .add(
                                "Gate",
                                KeyValue.parser(),
                                (request, context) -> {
                                    enter(request.getKey());
                                    await(gate(request.getKey()));
                                    return request;
                                })
                        .add("Park", KeyValue.parser(), this::park)
                        .add(
                                "Fail",
                                KeyValue.parser(),
                                (request, context) -> {
                                    throw new DriverException(
                                            FailureKind.valueOf(request.getKey()),
                                            request.getValue());
                                })
                        .add(
                                "Break",
                                KeyValue.parser(),
                                (request, context) -> {
                                    throw new IllegalStateException("a fault of the handler");
                                });
        server = TtrpcServer.listen(path, List.of(service));
        client = new TtrpcClient("the test's server", channel(), clientEnded::countDown);
    }

    @After
    public void stop() throws InterruptedException {
        gates.values().forEach(CountDownLatch::countDown);
        client.close();
        client.join();
        server.close();
    }

    @Test
    public void messageGoesThereAndBack() {
        KeyValue message =
                KeyValue.newBuilder().setKey("k").setValue("v".repeat(1_000_000)).build();

        assertEquals(message, call("Echo", message, CallScope.within(Duration.ofSeconds(20))));
    }

    @Test
    public void handlerIsToldTheUserAtTheOtherEnd() {
        assertEquals(
                System.getProperty("user.name"),
                call("Peer", key(""), CallScope.unlimited()).getValue());
    }

    @Test
    public void aThousandCallsAtOnceAreAnsweredEachWithItsOwn() throws Exception {
        try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<KeyValue>> answers =
                    IntStream.range(0, 1000)
                            .mapToObj(
                                    i ->
                                            callers.submit(
                                                    () ->
                                                            call(
                                                                    "Gate",
                                                                    keyed("all", i),
                                                                    CallScope.unlimited())))
                            .toList();
            gate("all").countDown();
            for (int i = 0; i < answers.size(); i++) {
                assertEquals(keyed("all", i), answers.get(i).get());
            }
        }
    }

    @Test
    public void aCallBeyondTheMostOfAConnectionIsRefusedAndTheOthersAreAnswered() throws Exception {
        try (ExecutorService callers = Executors.newVirtualThreadPerTaskExecutor()) {
            entered.put("full", new CountDownLatch(ServerConnection.MOST_CALLS));
            List<Future<KeyValue>> answers =
                    IntStream.range(0, ServerConnection.MOST_CALLS)
                            .mapToObj(
                                    i ->
                                            callers.submit(
                                                    () ->
                                                            call(
                                                                    "Gate",
                                                                    keyed("full", i),
                                                                    CallScope.unlimited())))
                            .toList();
            await(entered.get("full"));

            DriverException refusal =
                    failureOf(() -> call("Echo", key("one more"), CallScope.unlimited()));

            assertEquals(FailureKind.EXHAUSTED, refusal.failure());
            gate("full").countDown();
            for (Future<KeyValue> answer : answers) {
                assertEquals("full", answer.get().getKey());
            }
        }
    }

    @Test
    public void everyKindOfFailureArrivesAsItWasThrown() {
        for (FailureKind kind : FailureKind.values()) {
            KeyValue request =
                    KeyValue.newBuilder().setKey(kind.name()).setValue("A sentence.").build();

            DriverException failure = failureOf(() -> call("Fail", request, CallScope.unlimited()));

            assertEquals(kind, failure.failure());
            assertEquals("A sentence.", failure.getMessage());
        }
    }

    @Test
    public void controlCharactersOfAPeerDoNotReachTheSentence() {
        KeyValue request =
                KeyValue.newBuilder().setKey("INTERNAL").setValue("\u001b[2Jgone").build();

        assertEquals(
                " [2Jgone",
                failureOf(() -> call("Fail", request, CallScope.unlimited())).getMessage());
    }

    @Test
    public void faultOfAHandlerIsInternalAndTheConnectionGoesOn() {
        DriverException failure = failureOf(() -> call("Break", key(""), CallScope.unlimited()));

        assertEquals(FailureKind.INTERNAL, failure.failure());
        assertEquals(
                "hakod failed in test.Echo/Break: java.lang.IllegalStateException: a fault of the"
                        + " handler",
                failure.getMessage());
        assertEquals(key("still"), call("Echo", key("still"), CallScope.unlimited()));
    }

    @Test
    public void unknownMethodAndServiceAreUnsupported() {
        DriverException noMethod = failureOf(() -> call("Nothing", key(""), CallScope.unlimited()));
        assertEquals(FailureKind.UNSUPPORTED, noMethod.failure());
        assertEquals(
                "test.Echo has no method Nothing: it has [Break, Echo, Fail, Gate, Park, Peer].",
                noMethod.getMessage());

        DriverException noService =
                failureOf(
                        () ->
                                client.call(
                                        "test.None",
                                        "Echo",
                                        ByteString.EMPTY,
                                        CallScope.unlimited()));
        assertEquals(FailureKind.UNSUPPORTED, noService.failure());
        assertEquals(
                "There is no service \"test.None\" here: there are [test.Echo].",
                noService.getMessage());
    }

    @Test
    public void deadlineEndsTheCallAndItsLateAnswerIsDropped() {
        DriverException failure =
                failureOf(() -> call("Gate", key("late"), CallScope.within(Duration.ofMillis(50))));

        assertEquals(FailureKind.DEADLINE_EXCEEDED, failure.failure());
        assertEquals(
                "The test's server did not answer test.Echo/Gate within the time given for it.",
                failure.getMessage());
        gate("late").countDown();
        assertEquals(key("next"), call("Echo", key("next"), CallScope.unlimited()));
    }

    @Test
    public void deadlineTravelsToTheHandler() throws Exception {
        failureOf(() -> call("Park", key("deadline"), CallScope.within(Duration.ofMillis(50))));

        assertEquals(FailureKind.DEADLINE_EXCEEDED, parkedEndedBy.get());
    }

    @Test
    public void cancellingWakesAParkedCaller() throws Exception {
        CallScope scope = CallScope.unlimited();
        Future<FailureKind> failure = inBackground(() -> call("Park", key("cancel"), scope));
        await(entered("cancel"));

        scope.cancel();

        assertEquals(FailureKind.CANCELLED, failure.get());
        assertTrue(client.isOpen());
    }

    @Test
    public void interruptedCallerDoesNotCloseTheConnectionOfOthers() throws Exception {
        CompletableFuture<FailureKind> failure = new CompletableFuture<>();
        Thread caller =
                Thread.ofVirtual()
                        .start(
                                () ->
                                        failure.complete(
                                                failureOf(
                                                                () ->
                                                                        call(
                                                                                "Park",
                                                                                key("interrupt"),
                                                                                CallScope
                                                                                        .unlimited()))
                                                        .failure()));
        await(entered("interrupt"));

        caller.interrupt();

        assertEquals(FailureKind.CANCELLED, failure.get());
        assertEquals(key("others"), call("Echo", key("others"), CallScope.unlimited()));
    }

    @Test
    public void closingTheClientFailsWhatWaitsAndCancelsTheHandler() throws Exception {
        Future<FailureKind> failure =
                inBackground(() -> call("Park", key("close"), CallScope.unlimited()));
        await(entered("close"));

        client.close();

        assertEquals(FailureKind.UNAVAILABLE, failure.get());
        assertEquals(FailureKind.CANCELLED, parkedEndedBy.get());
        assertEquals(
                "hako closed the connection to the test's server.",
                failureOf(() -> call("Echo", key(""), CallScope.unlimited())).getMessage());
    }

    @Test
    public void endOfTheServerFailsWhatWaitsAndIsTold() throws Exception {
        Future<FailureKind> failure =
                inBackground(() -> call("Park", key("end"), CallScope.unlimited()));
        await(entered("end"));

        server.close();

        assertEquals(FailureKind.UNAVAILABLE, failure.get());
        await(clientEnded);
        assertFalse(client.isOpen());
    }

    @Test
    public void garbageEndsOnlyItsOwnConnection() throws IOException {
        try (SocketChannel garbage = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            garbage.connect(UnixDomainSocketAddress.of(path));
            garbage.write(ByteBuffer.allocate(10).putInt(-1).rewind());

            assertEquals(-1, garbage.read(ByteBuffer.allocate(1)));
        }
        assertEquals(key("others"), call("Echo", key("others"), CallScope.unlimited()));
    }

    private KeyValue park(KeyValue request, RequestContext context) {
        enter(request.getKey());
        var lock = new java.util.concurrent.locks.ReentrantLock();
        lock.lock();
        try {
            Call call = context.call();
            if (!CallScope.await(call, lock, lock.newCondition(), () -> false)) {
                call.checkCancelled();
            }
            return request;
        } catch (DriverException e) {
            parkedEndedBy.complete(e.failure());
            throw e;
        } finally {
            lock.unlock();
        }
    }

    private SocketFrameChannel channel() throws IOException {
        return new SocketFrameChannel("test", SocketChannel.open(UnixDomainSocketAddress.of(path)));
    }

    private KeyValue call(String method, KeyValue request, Call call) {
        return client.call("test.Echo", method, request, KeyValue.parser(), call);
    }

    private Future<FailureKind> inBackground(Runnable call) {
        CompletableFuture<FailureKind> result = new CompletableFuture<>();
        Thread.ofVirtual().start(() -> result.complete(failureOf(call).failure()));
        return result;
    }

    private static DriverException failureOf(Runnable call) {
        return assertThrows(DriverException.class, call::run);
    }

    private CountDownLatch gate(String name) {
        return gates.computeIfAbsent(name, any -> new CountDownLatch(1));
    }

    private CountDownLatch entered(String name) {
        return entered.computeIfAbsent(name, any -> new CountDownLatch(1));
    }

    private void enter(String name) {
        entered(name).countDown();
    }

    private static void await(CountDownLatch latch) {
        try {
            assertTrue(latch.await(20, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static KeyValue key(String key) {
        return KeyValue.newBuilder().setKey(key).build();
    }

    private static KeyValue keyed(String key, int number) {
        return KeyValue.newBuilder().setKey(key).setValue(Integer.toString(number)).build();
    }
}
