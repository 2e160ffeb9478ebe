// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * One TCP connection to a server that sends back what it gets: bytes go both ways without a pause
 * until the end.
 */
final class EchoTraffic {
    /** A guest's server: one cat for each connection. */
    static final String[] SERVER = {"nc", "-ll", "-p", "7000", "-e", "cat"};

    private static final int PORT = 7000;
    private static final Duration LIMIT = Duration.ofSeconds(60);

    /** More than this under way at once, and the emulated guest only fills buffers. */
    private static final long WINDOW = 65_536;

    private final Socket socket;
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicLong echoed = new AtomicLong();
    private final CompletableFuture<String> sent;
    private final CompletableFuture<String> received;

    private EchoTraffic(Socket socket) {
        this.socket = socket;
        received = CompletableFuture.supplyAsync(this::receive, Thread::startVirtualThread);
        sent = CompletableFuture.supplyAsync(this::send, Thread::startVirtualThread);
    }

    /** Connects as soon as the server listens. */
    static EchoTraffic with(String address) {
        Socket[] connected = new Socket[1];
        Await.until(
                "a connection to " + address,
                LIMIT,
                () -> {
                    try {
                        connected[0] = connect(address);
                        return true;
                    } catch (IOException e) {
                        return false;
                    }
                },
                () -> "nothing listens at port " + PORT);
        return new EchoTraffic(connected[0]);
    }

    private static Socket connect(String address) throws IOException {
        Socket socket = new Socket();
        try {
            socket.connect(new InetSocketAddress(address, PORT), 2000);
            socket.setSoTimeout((int) LIMIT.toMillis());
            return socket;
        } catch (IOException e) {
            socket.close();
            throw e;
        }
    }

    /** Waits until bytes have come back that were sent after this call. */
    void flows() {
        long target = echoed.get() + 2 * WINDOW;
        Await.until(
                "traffic",
                LIMIT,
                () -> echoed.get() > target || received.isDone(),
                () -> echoed + " bytes came back");
    }

    /** Ends the connection and demands that every byte came back as it was sent. */
    void finish() {
        over.set(true);
        try {
            String all = sent.get(LIMIT.toSeconds(), TimeUnit.SECONDS);
            assertEquals(
                    "SHA-256 of what came back",
                    all,
                    received.get(LIMIT.toSeconds(), TimeUnit.SECONDS));
            socket.close();
        } catch (InterruptedException | ExecutionException | TimeoutException | IOException e) {
            throw new AssertionError("The connection broke after " + echoed + " bytes", e);
        }
    }

    private String send() {
        Random random = new Random(1);
        byte[] bytes = new byte[8192];
        MessageDigest digest = sha256();
        long count = 0;
        try {
            OutputStream out = socket.getOutputStream();
            while (!over.get()) {
                long most = count;
                Await.until(
                        "room",
                        LIMIT,
                        () -> most - echoed.get() < WINDOW || received.isDone(),
                        () -> echoed + " came back");
                random.nextBytes(bytes);
                out.write(bytes);
                digest.update(bytes);
                count += bytes.length;
            }
            socket.shutdownOutput();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private String receive() {
        byte[] bytes = new byte[65_536];
        MessageDigest digest = sha256();
        try {
            InputStream in = socket.getInputStream();
            for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
                digest.update(bytes, 0, n);
                echoed.addAndGet(n);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
