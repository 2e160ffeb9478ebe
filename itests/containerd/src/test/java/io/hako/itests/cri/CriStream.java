// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.itests.cri.api.ExecRequest;
import io.hako.itests.machine.Await;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;

/**
 * An exec by the streaming server of containerd's CRI plugin, as kubectl has it through kubelet:
 * messages over a WebSocket by Kubernetes' protocol v4.channel.k8s.io, the first byte of each being
 * its channel.
 */
final class CriStream implements AutoCloseable {
    private static final String PROTOCOL = "v4.channel.k8s.io";

    // The channels of k8s.io/kubelet/pkg/cri/streaming/remotecommand.
    private static final byte STDIN = 0;
    private static final byte STDOUT = 1;
    private static final byte STDERR = 2;
    private static final byte STATUS = 3;
    private static final byte RESIZE = 4;

    private final CriServer server;
    private final Channels channels = new Channels();
    private final HttpClient http = HttpClient.newHttpClient();
    private final NodePort port;
    private final WebSocket socket;

    /**
     * @param request with what of its streams is wanted
     */
    CriStream(CriServer server, ExecRequest request) throws Exception {
        this.server = server;
        URI url = URI.create(server.client().exec(request).getUrl());
        port = new NodePort(server.network(), url.getPort());
        socket =
                http.newWebSocketBuilder()
                        .subprotocols(PROTOCOL)
                        .buildAsync(
                                URI.create("ws://127.0.0.1:" + port.port() + url.getPath()),
                                channels)
                        .get(CriServer.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    /** Writes to its input. */
    void write(String text) throws Exception {
        send(STDIN, text);
    }

    /** Tells the terminal its size, in characters. */
    void resize(int columns, int rows) throws Exception {
        send(RESIZE, "{\"Width\":%d,\"Height\":%d}".formatted(columns, rows));
    }

    private void send(byte channel, String text) throws Exception {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        ByteBuffer message = ByteBuffer.allocate(1 + bytes.length).put(channel).put(bytes).flip();
        socket.sendBinary(message, true).get(CriServer.LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    /** Waits until its output holds a text. */
    void awaitOutput(String text) {
        Await.until(
                "output " + text,
                CriServer.LIMIT,
                () -> stdout().contains(text),
                () -> stdout() + stderr() + server.log());
    }

    /** All so far. */
    String stdout() {
        return channels.text(STDOUT);
    }

    /** All so far. */
    String stderr() {
        return channels.text(STDERR);
    }

    /** Waits for its end; its exit code. */
    int exit() {
        Await.until(
                "the end of an exec",
                CriServer.LIMIT,
                () -> channels.text(STATUS).endsWith("}"),
                () -> stdout() + stderr() + server.log());
        JsonObject status = JsonParser.parseString(channels.text(STATUS)).getAsJsonObject();
        if (status.get("status").getAsString().equals("Success")) {
            return 0;
        }
        JsonObject cause =
                status.getAsJsonObject("details").getAsJsonArray("causes").get(0).getAsJsonObject();
        if (!cause.get("reason").getAsString().equals("ExitCode")) {
            throw new AssertionError("The exec failed: " + status);
        }
        return cause.get("message").getAsInt();
    }

    @Override
    public void close() {
        socket.abort();
        http.shutdownNow();
        port.close();
    }

    /** What came, by channel. */
    private static final class Channels implements WebSocket.Listener {
        private final ByteArrayOutputStream[] bytes = new ByteArrayOutputStream[STATUS + 1];
        private final ByteArrayOutputStream message = new ByteArrayOutputStream();

        Channels() {
            for (int channel = 0; channel < bytes.length; channel++) {
                bytes[channel] = new ByteArrayOutputStream();
            }
        }

        @Override
        public CompletionStage<?> onBinary(WebSocket socket, ByteBuffer data, boolean last) {
            byte[] part = new byte[data.remaining()];
            data.get(part);
            message.writeBytes(part);
            if (last) {
                take(message.toByteArray());
                message.reset();
            }
            socket.request(1);
            return null;
        }

        private synchronized void take(byte[] whole) {
            bytes[whole[0]].write(whole, 1, whole.length - 1);
        }

        synchronized String text(int channel) {
            return bytes[channel].toString(StandardCharsets.UTF_8);
        }
    }
}
