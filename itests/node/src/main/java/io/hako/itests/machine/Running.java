// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** A command that runs: its outputs are collected as they come, by two threads that end with it. */
public final class Running implements AutoCloseable {
    private final Process process;
    private final Sink out;
    private final Sink err;

    public Running(Process process) {
        this.process = process;
        this.out = new Sink(process.getInputStream());
        this.err = new Sink(process.getErrorStream());
    }

    public OutputStream stdin() {
        return process.getOutputStream();
    }

    /** Sends text to its standard input. */
    public void write(String text) {
        try {
            stdin().write(text.getBytes(StandardCharsets.UTF_8));
            stdin().flush();
        } catch (IOException e) {
            throw new AssertionError("The command takes no input; " + this, e);
        }
    }

    public long pid() {
        return process.pid();
    }

    public boolean alive() {
        return process.isAlive();
    }

    public String textSoFar() {
        return new String(out.bytes(), StandardCharsets.UTF_8);
    }

    /** Waits until the output so far satisfies the condition; fails with what was there instead. */
    public void awaitOutput(String what, Predicate<String> condition, Duration limit) {
        Await.until(
                "output with " + what, limit, () -> condition.test(textSoFar()), this::toString);
    }

    public Result finish(Duration limit) {
        try {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("The command did not end within " + limit + "; " + this);
            }
            return new Result(
                    process.exitValue(),
                    out.whole(),
                    new String(err.whole(), StandardCharsets.UTF_8));
        } catch (InterruptedException e) {
            throw new AssertionError("Interrupted while waiting for a command", e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    @Override
    public String toString() {
        return "out so far: "
                + textSoFar()
                + "; err so far: "
                + new String(err.bytes(), StandardCharsets.UTF_8);
    }

    private static final class Sink {
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        private final Thread thread;

        Sink(InputStream from) {
            // Not a virtual one: while it reads a pipe it holds its carrier, of which there are as
            // many as processors.
            thread = Thread.ofPlatform().daemon().start(() -> drain(from));
        }

        private void drain(InputStream from) {
            byte[] buffer = new byte[65536];
            try {
                for (int n = from.read(buffer); n >= 0; n = from.read(buffer)) {
                    synchronized (bytes) {
                        bytes.write(buffer, 0, n);
                    }
                }
            } catch (IOException e) {
                // The stream was closed under the reader because the process was destroyed: what
                // came is what there is.
                return;
            }
        }

        byte[] bytes() {
            synchronized (bytes) {
                return bytes.toByteArray();
            }
        }

        byte[] whole() throws InterruptedException {
            thread.join(Duration.ofSeconds(10));
            return bytes();
        }
    }
}
