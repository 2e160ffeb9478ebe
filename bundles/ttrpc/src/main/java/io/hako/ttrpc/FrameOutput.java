// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Writes whole messages to a channel in the order in which they are given, from one virtual thread
 * of its own. A thread that sends never touches the channel, so interrupting it does not close the
 * channel (NIO closes under an interrupted writer).
 *
 * <p>At most {@link #BOUND} bytes wait; a sender waits for room. After a failure or {@link
 * #close()} what waits is dropped and senders fail with IOException.
 */
public final class FrameOutput implements AutoCloseable {
    /** Two of the largest frames. */
    public static final int BOUND = 2 * (Frame.LARGEST_PAYLOAD + Frame.HEADER_SIZE);

    private static final int PIECE = 16 << 10;

    private final WritableByteChannel to;
    private final Consumer<IOException> failed;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<ByteBuffer> waiting = new ArrayDeque<>();
    private long waitingBytes;
    private boolean closed;
    private final Thread writer;

    /**
     * @param failed told once, on the writer's thread, if a write fails
     */
    public FrameOutput(String name, WritableByteChannel to, Consumer<IOException> failed) {
        this.to = to;
        this.failed = failed;
        this.writer = Thread.ofVirtual().name(name + "-writer").start(this::write);
    }

    public void send(Frame frame) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(frame.encodedSize());
        frame.encode(bytes);
        send(bytes.flip());
    }

    /** Sends a frame with a big-endian u32 before it. */
    public void send(int word, Frame frame) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(Integer.BYTES + frame.encodedSize());
        bytes.putInt(word);
        frame.encode(bytes);
        send(bytes.flip());
    }

    private void send(ByteBuffer message) throws IOException {
        lock.lock();
        try {
            while (!closed && waitingBytes > 0 && waitingBytes + message.remaining() > BOUND) {
                changed.awaitUninterruptibly();
            }
            if (closed) {
                throw new IOException("The connection is closed.");
            }
            waiting.add(message);
            waitingBytes += message.remaining();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void write() {
        try {
            for (ByteBuffer next = next(); next.hasRemaining(); next = next()) {
                writeFully(next);
            }
        } catch (IOException e) {
            close();
            failed.accept(e);
        }
    }

    /** The next message; an empty one after close. */
    private ByteBuffer next() {
        lock.lock();
        try {
            while (!closed && waiting.isEmpty()) {
                changed.awaitUninterruptibly();
            }
            if (closed) {
                return ByteBuffer.allocate(0);
            }
            ByteBuffer message = waiting.remove();
            waitingBytes -= message.remaining();
            changed.signalAll();
            return message;
        } finally {
            lock.unlock();
        }
    }

    private void writeFully(ByteBuffer message) throws IOException {
        int end = message.limit();
        while (message.position() < end) {
            message.limit(Math.min(end, message.position() + PIECE));
            to.write(message);
        }
    }

    /**
     * Ends the writer's thread; does not close the channel, which frees a writer that is blocked in
     * it.
     */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            waiting.clear();
            waitingBytes = 0;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for the writer's thread to end; to be called after {@link #close()} and after the
     * channel was closed.
     */
    public void join() throws InterruptedException {
        writer.join();
    }
}
