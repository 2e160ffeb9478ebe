// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.fake.Faults;
import io.hako.fake.node.FakeCall;
import io.hako.fake.node.FakeNode;
import io.hako.fake.node.FixedSettings;
import java.io.BufferedReader;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** A conversation over a real socket, whose other end says what the test says. */
public class QmpConnectionTest {
    private static final String GREETING =
            "{\"QMP\":{\"version\":{},\"capabilities\":[\"oob\"]}}\r\n";

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    private final Call call = FakeCall.patient();
    private ServerSocketChannel listener;
    private FakeNode node;
    private SocketChannel qemu;
    private BufferedReader heard;
    private QmpConnection connection;

    @Before
    public void connect() throws IOException {
        Path socket = temporary.getRoot().toPath().resolve("s");
        listener =
                ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                        .bind(UnixDomainSocketAddress.of(socket));
        node = new FakeNode(temporary.getRoot().toPath());
        var context =
                node.context(new OwnerId("test", "o"), "h0", new FixedSettings(), Faults.none());
        connection = QmpConnection.over(context.host().connect(socket, call));
        qemu = listener.accept();
        heard = new BufferedReader(Channels.newReader(qemu, StandardCharsets.UTF_8));
    }

    @After
    public void disconnect() throws IOException {
        connection.close();
        qemu.close();
        listener.close();
        node.close();
    }

    private void say(String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) {
            qemu.write(bytes);
        }
    }

    private JsonObject hear() throws IOException {
        return JsonParser.parseString(heard.readLine()).getAsJsonObject();
    }

    private CompletableFuture<QmpMessage.Answer> execute(String command, Call within) {
        CompletableFuture<QmpMessage.Answer> answer = new CompletableFuture<>();
        Thread.ofVirtual()
                .start(
                        () -> {
                            try {
                                answer.complete(
                                        connection.execute(command, new JsonObject(), within));
                            } catch (DriverException e) {
                                answer.completeExceptionally(e);
                            }
                        });
        return answer;
    }

    private static <T> T soon(CompletableFuture<T> future) throws Exception {
        return future.get(10, TimeUnit.SECONDS);
    }

    private static DriverException failure(CompletableFuture<?> future) {
        ExecutionException e = assertThrows(ExecutionException.class, () -> soon(future));
        return (DriverException) e.getCause();
    }

    @Test
    public void theGreetingMayComeInPieces() throws Exception {
        for (String piece : GREETING.split("(?<=,)")) {
            say(piece);
        }
        soon(connection.greeting());
    }

    @Test
    public void answersFindTheirCommandsInAnyOrderAndBetweenEvents() throws Exception {
        var one = execute("one", call);
        JsonObject first = hear();
        var two = execute("two", call);
        JsonObject second = hear();
        say(
                "{\"event\":\"STOP\",\"timestamp\":{\"seconds\":1}}\n{\"return\":2,\"id\":%s}\n"
                        .formatted(second.get("id")));
        assertEquals(2, ((QmpMessage.Success) soon(two)).value().getAsInt());
        say("{\"event\":\"RESUME\"}\n{\"return\":1,\"id\":%s}\n".formatted(first.get("id")));
        assertEquals(1, ((QmpMessage.Success) soon(one)).value().getAsInt());
        assertEquals("one", first.get("execute").getAsString());
    }

    @Test
    public void aRefusalIsAnAnswer() throws Exception {
        var answer = execute("device_add", call);
        say(
                "{\"error\":{\"class\":\"GenericError\",\"desc\":\"no \\u001b[31mbus\"},\"id\":%s}\n"
                        .formatted(hear().get("id")));
        QmpMessage.Refusal refusal = (QmpMessage.Refusal) soon(answer);
        assertEquals(
                "QEMU refused device_add: \"no bus\".",
                QmpConnection.refused("device_add", refusal).getMessage());
    }

    @Test
    public void anEventWakesWhoeverExpectsIt() throws Exception {
        try (var expected = connection.expect(event -> event.name().equals("DEVICE_DELETED"))) {
            say(
                    "{\"event\":\"OTHER\"}\n{\"event\":\"DEVICE_DELETED\",\"data\":{\"device\":\"dev-a\"}}\n");
            assertEquals("dev-a", soon(expected.arrived()).data().get("device").getAsString());
        }
    }

    @Test
    public void answersToNobodyAreIgnored() throws Exception {
        say("{\"return\":{},\"id\":77}\n{\"return\":{}}\n" + GREETING);
        soon(connection.greeting());
    }

    @Test
    public void theEndOfQemuFailsAllWhoWaitAndAllWhoComeLater() throws Exception {
        var waiting = execute("query-status", call);
        hear();
        qemu.close();
        assertEquals(FailureKind.UNAVAILABLE, failure(waiting).failure());
        assertEquals(FailureKind.UNAVAILABLE, failure(execute("query-status", call)).failure());
        assertTrue(connection.greeting().isCompletedExceptionally());
    }

    @Test
    public void garbageEndsTheConversationAndIsQuotedWithoutItsControlCharacters()
            throws Exception {
        var waiting = execute("query-status", call);
        hear();
        say("\u0007not json\n");
        DriverException e = failure(waiting);
        assertEquals(FailureKind.UNAVAILABLE, e.failure());
        assertEquals(
                "QEMU wrote to its control socket what is no message of QMP: \"?not json\".",
                e.getMessage());
    }

    @Test
    public void jsonOfTheWrongShapeEndsTheConversation() throws Exception {
        for (String line :
                new String[] {
                    "[]",
                    "{}",
                    "{\"error\":3}",
                    "{\"return\":1,\"id\":{}}",
                    "7",
                    "[".repeat(5000),
                    ""
                }) {
            DriverException e =
                    assertThrows(line, DriverException.class, () -> QmpMessage.parse(line));
            assertEquals(FailureKind.UNAVAILABLE, e.failure());
        }
    }

    @Test
    public void anEndlessLineEndsTheConversation() throws Exception {
        var waiting = execute("query-status", call);
        hear();
        String chunk = "x".repeat(LineSplitter.LONGEST / 4);
        try {
            for (int i = 0; i < 8; i++) {
                say(chunk);
            }
        } catch (IOException e) {
            // The connection was closed at our side while we wrote.
        }
        assertTrue(failure(waiting).getMessage().contains("more than " + LineSplitter.LONGEST));
    }

    @Test
    public void aLineAsLongAsAllowedIsRead() {
        StringBuilder line = new StringBuilder();
        new LineSplitter()
                .feed(
                        ByteBuffer.wrap(
                                ("y".repeat(LineSplitter.LONGEST) + "\n")
                                        .getBytes(StandardCharsets.UTF_8)),
                        line::append);
        assertEquals(LineSplitter.LONGEST, line.length());
    }

    @Test
    public void aCallThatRunsOutFailsAloneAndTheLateAnswerIsIgnored() throws Exception {
        // Long enough to be sent on a busy machine, or there would be nothing to hear.
        var late = execute("slow", FakeCall.within(Duration.ofSeconds(1)));
        JsonObject slow = hear();
        assertEquals(FailureKind.DEADLINE_EXCEEDED, failure(late).failure());
        say("{\"return\":{},\"id\":%s}\n".formatted(slow.get("id")));
        var next = execute("next", call);
        say("{\"return\":5,\"id\":%s}\n".formatted(hear().get("id")));
        assertEquals(5, ((QmpMessage.Success) soon(next)).value().getAsInt());
    }

    @Test
    public void aCancelledCallIsWoken() throws Exception {
        FakeCall given = FakeCall.within(Duration.ofMinutes(5));
        var waiting = execute("slow", given);
        hear();
        given.cancel();
        assertEquals(FailureKind.CANCELLED, failure(waiting).failure());
    }

    @Test
    public void closingFromOurSideFailsWhoWaitsAndLeavesNoThread() throws Exception {
        var waiting = execute("query-status", call);
        hear();
        connection.close();
        connection.close();
        assertEquals(FailureKind.UNAVAILABLE, failure(waiting).failure());
        assertTrue(connection.ended().isDone());
        assertEquals("our end is closed", -1, qemu.read(ByteBuffer.allocate(1)));
    }

    @Test
    public void waitingAtMostGivesUpWithNothing() {
        CompletableFuture<String> never = new CompletableFuture<>();
        assertEquals(Optional.empty(), Waiting.atMost(Duration.ofMillis(10), never, call));
        assertFalse("the future is left as it is", never.isDone());
    }
}
