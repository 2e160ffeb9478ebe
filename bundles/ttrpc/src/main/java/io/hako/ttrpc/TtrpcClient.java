// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.MessageLite;
import com.google.protobuf.Parser;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.ttrpc.proto.KeyValue;
import io.hako.ttrpc.proto.Request;
import io.hako.ttrpc.proto.Response;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Unary calls over one channel, any number at a time, from any threads; an answer may come at once
 * or days later.
 *
 * <p>A virtual thread of the client's own receives; callers wait on a condition. An answer for a
 * call whose caller is gone is dropped. When the channel ends, every open call and every later one
 * fails with UNAVAILABLE; there is no reconnecting here.
 */
public final class TtrpcClient implements AutoCloseable {
    private static final class Answer {
        Optional<ByteString> bytes = Optional.empty();
    }

    private final String peer;
    private final FrameChannel channel;
    private final Runnable ended;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<Integer, Answer> open = new HashMap<>();
    private int lastStream = -1;
    private Optional<String> end = Optional.empty();
    private final Thread reader;

    /**
     * @param peer who is asked, for sentences and thread names: "the agent of NAMESPACE@ID"
     * @param channel closed by this client
     * @param ended run once, on the client's thread, when the channel has ended and all calls have
     *     been told
     */
    public TtrpcClient(String peer, FrameChannel channel, Runnable ended) {
        this.peer = peer;
        this.channel = channel;
        this.ended = ended;
        this.reader = Thread.ofVirtual().name("ttrpc-client " + peer).start(this::receive);
    }

    /**
     * Asks and waits for the answer.
     *
     * @throws DriverException of the peer's status; UNAVAILABLE if the channel ends,
     *     DEADLINE_EXCEEDED, CANCELLED, INTERNAL if the answer is no message of the expected type
     */
    public <A extends MessageLite> A call(
            String service, String method, MessageLite request, Parser<A> answer, Call call) {
        ByteString bytes = call(service, method, request.toByteString(), call);
        return parse(service, method, bytes, answer);
    }

    /** The same with encoded messages. */
    public ByteString call(String service, String method, ByteString request, Call call) {
        return call(service, method, request, Map.of(), call);
    }

    /** The same with metadata, which the peer sees beside the message. */
    public ByteString call(
            String service,
            String method,
            ByteString request,
            Map<String, String> metadata,
            Call call) {
        call.checkCancelled();
        Request.Builder envelope =
                Request.newBuilder()
                        .setService(service)
                        .setMethod(method)
                        .setPayload(request)
                        .setTimeoutNano(timeoutNanos(call));
        metadata.forEach(
                (key, value) ->
                        envelope.addMetadata(KeyValue.newBuilder().setKey(key).setValue(value)));
        Answer answer = new Answer();
        int stream = begin(answer);
        try {
            send(Frame.request(stream, envelope.build().toByteString()));
            return payload(service, method, await(service, method, answer, call));
        } finally {
            forget(stream);
        }
    }

    /** Whether calls can still succeed. */
    public boolean isOpen() {
        lock.lock();
        try {
            return end.isEmpty();
        } finally {
            lock.unlock();
        }
    }

    /** Ends the channel and the client's thread; open calls fail with UNAVAILABLE. */
    @Override
    public void close() {
        end("hako closed the connection to " + peer + ".");
        channel.close();
    }

    /** Waits for the client's thread to end, after {@link #close()}. */
    public void join() throws InterruptedException {
        reader.join();
    }

    private static long timeoutNanos(Call call) {
        var remaining = call.remaining();
        return remaining.compareTo(CallScope.UNLIMITED) < 0 ? remaining.toNanos() : 0;
    }

    private int begin(Answer answer) {
        lock.lock();
        try {
            failIfEnded();
            // A client's streams are odd; after 2^30 calls they begin anew, past those that are
            // still open.
            do {
                lastStream = (lastStream + 2) & Integer.MAX_VALUE;
            } while (open.containsKey(lastStream));
            open.put(lastStream, answer);
            return lastStream;
        } finally {
            lock.unlock();
        }
    }

    private void send(Frame request) {
        try {
            channel.send(request);
        } catch (IOException e) {
            end("The connection to %s broke: %s".formatted(peer, e.getMessage()));
            channel.close();
        }
    }

    private ByteString await(String service, String method, Answer answer, Call call) {
        lock.lock();
        try {
            if (!CallScope.await(
                    call, lock, changed, () -> answer.bytes.isPresent() || end.isPresent())) {
                throw new DriverException(
                        FailureKind.DEADLINE_EXCEEDED,
                        "%s did not answer %s within the time given for it."
                                .formatted(capital(peer), name(service, method)));
            }
            return answer.bytes.orElseThrow(() -> unavailable());
        } finally {
            lock.unlock();
        }
    }

    private ByteString payload(String service, String method, ByteString envelope) {
        Response response = parse(service, method, envelope, Response.parser());
        if (!Statuses.ok(response.getStatus())) {
            throw Statuses.failure(response.getStatus());
        }
        return response.getPayload();
    }

    private <A> A parse(String service, String method, ByteString bytes, Parser<A> parser) {
        try {
            return parser.parseFrom(bytes);
        } catch (InvalidProtocolBufferException e) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "What %s answered to %s cannot be read as its message."
                            .formatted(peer, name(service, method)),
                    e);
        }
    }

    private void forget(int stream) {
        lock.lock();
        try {
            open.remove(stream);
        } finally {
            lock.unlock();
        }
    }

    private void receive() {
        String why = "The connection to %s was closed.".formatted(peer);
        try {
            for (Optional<Frame> next = channel.receive();
                    next.isPresent();
                    next = channel.receive()) {
                deliver(next.get());
            }
        } catch (IOException e) {
            why = "The connection to %s broke: %s".formatted(peer, e.getMessage());
        }
        end(why);
        channel.close();
        ended.run();
    }

    private void deliver(Frame frame) throws IOException {
        if (frame.type() != Frame.RESPONSE) {
            throw new IOException(
                    "a frame of type %d came where an answer is due.".formatted(frame.type()));
        }
        lock.lock();
        try {
            Optional.ofNullable(open.remove(frame.stream()))
                    .ifPresent(
                            answer -> {
                                answer.bytes = Optional.of(frame.payload());
                                changed.signalAll();
                            });
        } finally {
            lock.unlock();
        }
    }

    private void end(String why) {
        lock.lock();
        try {
            end = end.or(() -> Optional.of(why));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void failIfEnded() {
        if (end.isPresent()) {
            throw unavailable();
        }
    }

    private DriverException unavailable() {
        return new DriverException(
                FailureKind.UNAVAILABLE, end.orElse("The connection to " + peer + " is closed."));
    }

    private static String name(String service, String method) {
        return service + "/" + method;
    }

    private static String capital(String text) {
        return Character.toUpperCase(text.charAt(0)) + text.substring(1);
    }
}
