// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.crio;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.MessageLite;
import io.hako.ttrpc.proto.Request;
import io.hako.ttrpc.proto.Response;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * One ttrpc connection to a shim's Task service, for any number of calls at the same time: ttrpc's
 * PROTOCOL.md. A thread reads until the connection ends.
 */
final class TaskConnection implements AutoCloseable {
    private static final String SERVICE = "containerd.task.v2.Task";
    private static final long LIMIT_SECONDS = 60;
    private static final int HEADER = 10;
    private static final byte REQUEST = 1;

    private final SocketChannel socket;
    private final Map<Integer, CompletableFuture<Response>> open = new ConcurrentHashMap<>();
    private int lastStream = -1;

    TaskConnection(Path path) throws IOException {
        socket = SocketChannel.open(StandardProtocolFamily.UNIX);
        socket.connect(UnixDomainSocketAddress.of(path));
        Thread.startVirtualThread(this::read);
    }

    /** Calls and waits for the answer; fails with the status if it is none. */
    <A extends Message> A call(String method, MessageLite request, A answer) {
        return await(start(method, request), answer);
    }

    /** Sends a request; several may be unanswered. */
    synchronized CompletableFuture<Response> start(String method, MessageLite request) {
        byte[] body =
                Request.newBuilder()
                        .setService(SERVICE)
                        .setMethod(method)
                        .setPayload(request.toByteString())
                        .build()
                        .toByteArray();
        lastStream += 2;
        CompletableFuture<Response> answer = new CompletableFuture<>();
        open.put(lastStream, answer);
        ByteBuffer frame =
                ByteBuffer.allocate(HEADER + body.length)
                        .putInt(body.length)
                        .putInt(lastStream)
                        .put(REQUEST)
                        .put((byte) 0)
                        .put(body)
                        .flip();
        try {
            while (frame.hasRemaining()) {
                socket.write(frame);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(method + " cannot be sent", e);
        }
        return answer;
    }

    <A extends Message> A await(CompletableFuture<Response> sent, A answer) {
        try {
            Response response = sent.get(LIMIT_SECONDS, TimeUnit.SECONDS);
            if (response.getStatus().getCode() != 0) {
                throw new Refused(response.getStatus().getMessage());
            }
            @SuppressWarnings("unchecked") // the prototype's own parser
            A parsed = (A) answer.getParserForType().parseFrom(response.getPayload());
            return parsed;
        } catch (InterruptedException
                | ExecutionException
                | TimeoutException
                | InvalidProtocolBufferException e) {
            throw new AssertionError("No answer", e);
        }
    }

    /** A call that was answered with a status. */
    static final class Refused extends IllegalStateException {
        private static final long serialVersionUID = 1;

        Refused(String message) {
            super(message);
        }
    }

    private void read() {
        try (DataInputStream in = new DataInputStream(Channels.newInputStream(socket))) {
            while (true) {
                byte[] body = new byte[in.readInt()];
                int stream = in.readInt();
                in.skipNBytes(2);
                in.readFully(body);
                open.remove(stream).complete(Response.parseFrom(body));
            }
        } catch (IOException e) {
            open.values().forEach(answer -> answer.completeExceptionally(e));
        }
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
