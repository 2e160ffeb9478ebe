// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import io.hako.ttrpc.Frame;
import io.hako.ttrpc.FrameChannel;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One of the connections that share a link, as a channel of its own. The link's thread delivers; it
 * waits where frames are not taken, so that what waits is bounded.
 */
final class LinkConnection implements FrameChannel {
    private static final int MOST_WAITING = 64;

    /** Takes frames of this connection to the shim. */
    @FunctionalInterface
    interface Sender {
        void send(Frame frame) throws IOException;
    }

    private final Sender sender;
    private final Runnable closedHere;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Deque<Frame> waiting = new ArrayDeque<>();
    private boolean ended;

    /**
     * @param closedHere run once if this side closes the connection before the other does
     */
    LinkConnection(Sender sender, Runnable closedHere) {
        this.sender = sender;
        this.closedHere = closedHere;
    }

    /** Hands a frame over that came from the shim; dropped once the connection has ended. */
    void deliver(Frame frame) {
        lock.lock();
        try {
            while (!ended && waiting.size() >= MOST_WAITING) {
                changed.awaitUninterruptibly();
            }
            if (!ended) {
                waiting.add(frame);
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    /** The other side has closed: what was delivered before is still received. */
    void end() {
        markEnded();
    }

    @Override
    public void send(Frame frame) throws IOException {
        lock.lock();
        try {
            if (ended) {
                throw new IOException("The connection is closed.");
            }
        } finally {
            lock.unlock();
        }
        sender.send(frame);
    }

    @Override
    public Optional<Frame> receive() {
        lock.lock();
        try {
            while (!ended && waiting.isEmpty()) {
                changed.awaitUninterruptibly();
            }
            Optional<Frame> next = Optional.ofNullable(waiting.poll());
            changed.signalAll();
            return next;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        if (markEnded()) {
            closedHere.run();
        }
    }

    /** Whether this ended it. */
    private boolean markEnded() {
        lock.lock();
        try {
            boolean wasOpen = !ended;
            ended = true;
            changed.signalAll();
            return wasOpen;
        } finally {
            lock.unlock();
        }
    }
}
