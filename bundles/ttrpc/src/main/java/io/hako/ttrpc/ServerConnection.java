// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.ttrpc.proto.KeyValue;
import io.hako.ttrpc.proto.Request;
import io.hako.ttrpc.proto.Response;
import java.io.IOException;
import java.net.ProtocolException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves one channel: a virtual thread per request, answers in whatever order they become ready.
 *
 * <p>When the channel ends, the calls that run on it are cancelled and their answers dropped.
 */
public final class ServerConnection implements AutoCloseable {
    /**
     * Requests of one connection that may run at a time; a further one is refused with EXHAUSTED.
     */
    public static final int MOST_CALLS = 4096;

    private static final Logger LOG = LoggerFactory.getLogger(ServerConnection.class);

    private final String name;
    private final FrameChannel channel;
    private final Peer peer;
    private final Map<String, Service> services;
    private final Map<Integer, CallScope> running = new ConcurrentHashMap<>();

    private final ExecutorService handlers =
            Executors.newThreadPerTaskExecutor(
                    Thread.ofVirtual().name("ttrpc-handler-", 0).factory());

    /**
     * @param name for logs
     */
    public ServerConnection(
            String name, FrameChannel channel, Peer peer, Collection<? extends Service> services) {
        this.name = name;
        this.channel = channel;
        this.peer = peer;
        this.services =
                services.stream()
                        .collect(Collectors.toUnmodifiableMap(Service::name, Function.identity()));
    }

    /** Receives requests on the calling thread until the channel ends, then closes it. */
    public void serve() {
        try {
            for (Optional<Frame> next = channel.receive();
                    next.isPresent();
                    next = channel.receive()) {
                accept(next.get());
            }
        } catch (ProtocolException e) {
            LOG.warn("{}: the connection is dropped: {}", name, e.getMessage());
        } catch (IOException e) {
            LOG.debug("{}: the connection broke: {}", name, e.getMessage());
        } finally {
            close();
        }
    }

    /** Ends the channel and cancels what runs. */
    @Override
    public void close() {
        channel.close();
        running.values().forEach(CallScope::cancel);
    }

    /**
     * Waits for the handlers to return, after {@link #serve} has ended, up to a limit for all of
     * them.
     */
    public void join(Duration limit) throws InterruptedException {
        handlers.shutdown();
        if (!handlers.awaitTermination(limit.toNanos(), TimeUnit.NANOSECONDS)) {
            LOG.warn(
                    "{}: handlers did not end within {} ms of being cancelled.",
                    name,
                    limit.toMillis());
        }
    }

    private void accept(Frame frame) throws IOException {
        if (frame.type() != Frame.REQUEST) {
            throw new ProtocolException(
                    "a frame of type %d came where a request is due.".formatted(frame.type()));
        }
        if (running.containsKey(frame.stream())) {
            throw new ProtocolException(
                    "stream %d was used again before its answer.".formatted(frame.stream()));
        }
        if (running.size() >= MOST_CALLS) {
            answer(
                    frame.stream(),
                    failure(
                            new DriverException(
                                    FailureKind.EXHAUSTED,
                                    "At most %d requests run at a time on one connection: wait for answers."
                                            .formatted(MOST_CALLS))));
            return;
        }
        start(frame);
    }

    private void start(Frame frame) throws IOException {
        Request request;
        try {
            request = Request.parseFrom(frame.payload());
        } catch (InvalidProtocolBufferException e) {
            throw new ProtocolException("a request cannot be read: " + e.getMessage());
        }
        CallScope scope =
                request.getTimeoutNano() > 0
                        ? CallScope.within(Duration.ofNanos(request.getTimeoutNano()))
                        : CallScope.unlimited();
        running.put(frame.stream(), scope);
        handlers.execute(() -> handle(frame.stream(), request, scope));
    }

    private void handle(int stream, Request request, CallScope scope) {
        RequestContext context =
                new RequestContext(peer, stream, metadata(request.getMetadataList()), scope);
        Response response = respond(request, context);
        // Out of the table before the answer is sent: the client may use the stream again once it
        // has it.
        running.remove(stream);
        answer(stream, response);
        context.actionsAfterAnswer().forEach(this::runAfterAnswer);
    }

    private Response respond(Request request, RequestContext context) {
        try {
            Service service =
                    Optional.ofNullable(services.get(request.getService()))
                            .orElseThrow(
                                    () ->
                                            DriverException.unsupported(
                                                    "There is no service \"%s\" here: there are %s."
                                                            .formatted(
                                                                    request.getService(),
                                                                    services.keySet())));
            ByteString answer = service.call(request.getMethod(), request.getPayload(), context);
            return Response.newBuilder().setPayload(answer).build();
        } catch (DriverException e) {
            return failure(e);
        } catch (Exception | LinkageError | AssertionError | StackOverflowError e) {
            String what = request.getService() + "/" + request.getMethod();
            LOG.error("{}: {} failed", name, what, e);
            return failure(
                    new DriverException(
                            FailureKind.INTERNAL, "hakod failed in %s: %s".formatted(what, e)));
        }
    }

    private void runAfterAnswer(Runnable action) {
        try {
            action.run();
        } catch (DriverException e) {
            LOG.warn("{}: {}", name, e.getMessage());
        }
    }

    private void answer(int stream, Response response) {
        try {
            channel.send(Frame.response(stream, bounded(response).toByteString()));
        } catch (IOException e) {
            LOG.debug(
                    "{}: nobody is left to answer on stream {}: {}", name, stream, e.getMessage());
        }
    }

    private static Response bounded(Response response) {
        int size = response.getSerializedSize();
        return size <= Frame.LARGEST_PAYLOAD
                ? response
                : failure(
                        new DriverException(
                                FailureKind.EXHAUSTED,
                                "The answer has %d bytes, but a ttrpc message at most %d."
                                        .formatted(size, Frame.LARGEST_PAYLOAD)));
    }

    private static Response failure(DriverException failure) {
        return Response.newBuilder().setStatus(Statuses.of(failure)).build();
    }

    private static Map<String, String> metadata(List<KeyValue> pairs) {
        return pairs.stream()
                .collect(
                        Collectors.toUnmodifiableMap(
                                KeyValue::getKey, KeyValue::getValue, (earlier, later) -> later));
    }
}
