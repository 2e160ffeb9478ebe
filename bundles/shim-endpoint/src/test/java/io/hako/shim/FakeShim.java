// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.hako.host.shim.proto.Empty;
import io.hako.host.shim.proto.Hello;
import io.hako.host.shim.proto.HelloAck;
import io.hako.host.shim.proto.KeptFile;
import io.hako.host.shim.proto.KeptResponse;
import io.hako.host.shim.proto.LeaveAnswersRequest;
import io.hako.ttrpc.CallScope;
import io.hako.ttrpc.Frame;
import io.hako.ttrpc.FrameInput;
import io.hako.ttrpc.FrameOutput;
import io.hako.ttrpc.Methods;
import io.hako.ttrpc.Peer;
import io.hako.ttrpc.ServerConnection;
import io.hako.ttrpc.TtrpcClient;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;

/** A shim's end of the link, with containerd's connections to it played by ttrpc clients. */
final class FakeShim implements AutoCloseable {
    static final String INSTANCE = "boot1";
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final int HELLO = 0x80;
    private static final int CLOSED = 0x81;

    private final SocketChannel socket;
    private final FrameInput input;
    private final FrameOutput output;
    private final Map<Integer, LinkConnection> channels = new ConcurrentHashMap<>();
    private final Map<Integer, TtrpcClient> clients = new ConcurrentHashMap<>();
    private final BlockingQueue<LeaveAnswersRequest> answers = new LinkedBlockingQueue<>();
    private final CompletableFuture<Boolean> ended = new CompletableFuture<>();
    private final CompletableFuture<Boolean> quit = new CompletableFuture<>();

    private FakeShim(Path runDirectory) throws IOException {
        socket = SocketChannel.open(UnixDomainSocketAddress.of(runDirectory.resolve("shims.sock")));
        input = new FrameInput(socket);
        output = new FrameOutput("fake-shim", socket, failure -> close());
    }

    static Hello hello(String sandbox) {
        return Hello.newBuilder()
                .setVersion(1)
                .setNamespace("test")
                .setSandboxId(sandbox)
                .setBundle("/bundles/" + sandbox)
                .setShimPid(42)
                .setInstance(INSTANCE)
                .setShimVersion("0.1.0")
                .setPodDirectory("/run/pods/test@" + sandbox)
                .build();
    }

    /** Connects and says something, without waiting for the answer. */
    static FakeShim speaking(Path runDirectory, int type, ByteString payload) throws IOException {
        FakeShim shim = new FakeShim(runDirectory);
        shim.output.send(0, new Frame(0, type, 0, payload));
        return shim;
    }

    static FakeShim greeting(Path runDirectory, Hello hello) throws IOException {
        return speaking(runDirectory, HELLO, hello.toByteString());
    }

    /** A shim whose link is up. */
    static FakeShim linked(Path runDirectory, Hello hello, long epoch) throws IOException {
        FakeShim shim = greeting(runDirectory, hello);
        OptionalInt connection = shim.input.word();
        Frame answer = shim.input.frame().orElseThrow();
        HelloAck acknowledged = HelloAck.parseFrom(answer.payload());
        if (connection.orElseThrow() != 0
                || answer.type() != HELLO
                || acknowledged.getEpoch() != epoch) {
            throw new AssertionError("not an acknowledgement: " + answer);
        }
        shim.serve();
        return shim;
    }

    private void serve() {
        LinkConnection own = channel(0);
        Methods service =
                Methods.named("hako.shim.v1.Shim")
                        .add(
                                "Kept",
                                Empty.parser(),
                                (request, context) ->
                                        KeptResponse.newBuilder()
                                                .addFiles(
                                                        KeptFile.newBuilder()
                                                                .setName("memory")
                                                                .setNumber(7))
                                                .build())
                        .add(
                                "LeaveAnswers",
                                LeaveAnswersRequest.parser(),
                                (request, context) -> {
                                    answers.add(request);
                                    return Empty.getDefaultInstance();
                                })
                        .add(
                                "Quit",
                                Empty.parser(),
                                (request, context) -> {
                                    quit.complete(true);
                                    return request;
                                });
        ServerConnection server =
                new ServerConnection("fake-shim", own, new Peer("hakod"), List.of(service));
        Thread.ofVirtual().start(server::serve);
        Thread.ofVirtual().start(this::receive);
    }

    private void receive() {
        try {
            for (OptionalInt next = input.word(); next.isPresent(); next = input.word()) {
                Frame frame = input.frame().orElseThrow();
                LinkConnection channel = channel(next.getAsInt());
                if (frame.type() == CLOSED) {
                    channel.end();
                } else {
                    channel.deliver(frame);
                }
            }
        } catch (IOException e) {
            // Closed by this side.
        }
        channels.values().forEach(LinkConnection::end);
        ended.complete(true);
    }

    private LinkConnection channel(int connection) {
        return channels.computeIfAbsent(
                connection,
                number -> new LinkConnection(frame -> output.send(number, frame), () -> {}));
    }

    /** containerd asks something over one of its connections. */
    <A extends MessageLite> A ask(
            int connection, String method, MessageLite request, Parser<A> answer) {
        return ask(connection, "containerd.task.v2.Task", method, request, answer);
    }

    <A extends MessageLite> A ask(
            int connection, String service, String method, MessageLite request, Parser<A> answer) {
        TtrpcClient client =
                clients.computeIfAbsent(
                        connection, number -> new TtrpcClient("hakod", channel(number), () -> {}));
        return client.call(service, method, request, answer, CallScope.within(LIMIT));
    }

    /** containerd closes one of its connections. */
    void closeConnection(int connection) throws IOException {
        output.send(connection, new Frame(0, CLOSED, 0, ByteString.EMPTY));
    }

    /** Sends a frame as it is. */
    void send(int connection, Frame frame) throws IOException {
        output.send(connection, frame);
    }

    /** Whether the other side closes the link before it has answered anything. */
    boolean isRefused() throws IOException {
        return input.word().isEmpty();
    }

    /** What hakod has left for the time that it is away, oldest first. */
    BlockingQueue<LeaveAnswersRequest> answers() {
        return answers;
    }

    /** Done when the other side has ended the link. */
    CompletableFuture<Boolean> ended() {
        return ended;
    }

    /** Done when hakod has asked the shim to quit. */
    CompletableFuture<Boolean> quit() {
        return quit;
    }

    @Override
    public void close() {
        output.close();
        try {
            socket.close();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
