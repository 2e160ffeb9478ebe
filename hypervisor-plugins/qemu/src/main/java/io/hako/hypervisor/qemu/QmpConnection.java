// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.hako.api.host.UnixStream;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A conversation with QEMU in QMP (QEMU docs/interop/qmp-spec). A virtual thread owns the reading
 * side; callers write a command and wait for the answer that carries its number. The connection
 * ends for good when QEMU closes it, when QEMU writes what is no QMP, or by {@link #close}: all who
 * wait then fail with UNAVAILABLE.
 */
final class QmpConnection implements AutoCloseable {
    private final UnixStream stream;
    private final AtomicLong lastNumber = new AtomicLong();
    private final ReentrantLock writing = new ReentrantLock();
    private final Map<Long, CompletableFuture<QmpMessage.Answer>> unanswered =
            new ConcurrentHashMap<>();
    private final List<Expectation> expectations = new CopyOnWriteArrayList<>();
    private final CompletableFuture<QmpMessage.Greeting> greeting = new CompletableFuture<>();
    private final CompletableFuture<DriverException> ended = new CompletableFuture<>();
    private final Thread reader;

    private QmpConnection(UnixStream stream) {
        this.stream = stream;
        this.reader = Thread.ofVirtual().name("qmp-reader").unstarted(this::read);
    }

    /** Takes a connected stream over; QEMU greets as soon as it is ready. */
    static QmpConnection over(UnixStream stream) {
        QmpConnection connection = new QmpConnection(stream);
        connection.reader.start();
        return connection;
    }

    /** Done once QEMU has greeted; failed if it will not. */
    CompletableFuture<QmpMessage.Greeting> greeting() {
        return greeting;
    }

    /** Done once the connection is no more, with the reason. */
    CompletableFuture<DriverException> ended() {
        return ended;
    }

    /**
     * Has QEMU do something.
     *
     * @return what it answered
     * @throws DriverException UNAVAILABLE if the connection ended before the answer came
     */
    QmpMessage.Answer execute(String command, JsonObject arguments, Call call) {
        return execute(command, arguments, line -> stream.write(line, List.of()), call);
    }

    /**
     * Gives QEMU a connection, which it holds under a name until a later command takes it; one that
     * it holds under that name is closed.
     */
    void handOver(String name, UnixStream connection, Call call) {
        JsonObject arguments = new JsonObject();
        arguments.addProperty("fdname", name);
        try (connection) {
            if (execute("getfd", arguments, line -> stream.handOver(line, connection), call)
                    instanceof QmpMessage.Refusal refusal) {
                throw refused("getfd", refusal);
            }
        }
    }

    private QmpMessage.Answer execute(
            String command, JsonObject arguments, Consumer<ByteBuffer> writer, Call call) {
        call.checkCancelled();
        long number = lastNumber.incrementAndGet();
        CompletableFuture<QmpMessage.Answer> answer = new CompletableFuture<>();
        unanswered.put(number, answer);
        try {
            // After it is in the table: the reader's end fails all that are in there.
            if (ended.isDone()) {
                throw ended.join();
            }
            write(command, arguments, number, writer);
            return Waiting.await(answer, "QEMU's answer to " + command, call);
        } finally {
            unanswered.remove(number);
        }
    }

    /**
     * The same, for what QEMU has no reason to refuse.
     *
     * @throws DriverException INTERNAL if it refuses, with its reason
     */
    JsonElement demand(String command, JsonObject arguments, Call call) {
        return switch (execute(command, arguments, call)) {
            case QmpMessage.Success success -> success.value();
            case QmpMessage.Refusal refusal -> throw refused(command, refusal);
        };
    }

    static DriverException refused(String command, QmpMessage.Refusal refusal) {
        return new DriverException(
                FailureKind.INTERNAL,
                "QEMU refused %s: \"%s\"."
                        .formatted(command, PlainText.line(refusal.description(), 300)));
    }

    /** Watches for an event from now on; to be made before the command that causes it. */
    Expectation expect(Predicate<QmpMessage.Event> which) {
        Expectation expectation = new Expectation(which);
        expectations.add(expectation);
        ended.thenAccept(expectation.arrived::completeExceptionally);
        return expectation;
    }

    /** An event that someone waits for. */
    final class Expectation implements AutoCloseable {
        private final Predicate<QmpMessage.Event> which;
        private final CompletableFuture<QmpMessage.Event> arrived = new CompletableFuture<>();

        private Expectation(Predicate<QmpMessage.Event> which) {
            this.which = which;
        }

        CompletableFuture<QmpMessage.Event> arrived() {
            return arrived;
        }

        @Override
        public void close() {
            expectations.remove(this);
        }
    }

    /** Ends the connection and its thread. Idempotent; never called by the reader itself. */
    @Override
    public void close() {
        stream.close();
        boolean interrupted = false;
        while (reader.isAlive()) {
            try {
                reader.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void write(
            String command, JsonObject arguments, long number, Consumer<ByteBuffer> writer) {
        JsonObject request = new JsonObject();
        request.addProperty("execute", command);
        request.add("arguments", arguments);
        request.addProperty("id", number);
        writing.lock();
        try {
            writer.accept(ByteBuffer.wrap((request + "\n").getBytes(StandardCharsets.UTF_8)));
        } finally {
            writing.unlock();
        }
    }

    private void read() {
        DriverException reason =
                new DriverException(
                        FailureKind.UNAVAILABLE, "QEMU's control connection has ended.");
        try {
            LineSplitter lines = new LineSplitter();
            ByteBuffer buffer = ByteBuffer.allocate(8192);
            while (stream.read(buffer.clear()) >= 0) {
                lines.feed(buffer.flip(), this::receive);
            }
        } catch (DriverException e) {
            reason = e;
        } finally {
            stream.close();
            end(reason);
        }
    }

    private void receive(String line) {
        switch (QmpMessage.parse(line)) {
            case QmpMessage.Greeting hello -> greeting.complete(hello);
            case QmpMessage.Answer answer ->
                    answer.id()
                            .map(unanswered::remove)
                            .ifPresent(waiting -> waiting.complete(answer));
            case QmpMessage.Event event ->
                    expectations.stream()
                            .filter(expectation -> expectation.which.test(event))
                            .forEach(expectation -> expectation.arrived.complete(event));
        }
    }

    private void end(DriverException reason) {
        ended.complete(reason);
        greeting.completeExceptionally(reason);
        unanswered.values().forEach(waiting -> waiting.completeExceptionally(reason));
    }
}
