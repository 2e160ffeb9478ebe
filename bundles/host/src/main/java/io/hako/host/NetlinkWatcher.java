// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import com.sun.jna.LastErrorException;
import com.sun.jna.Memory;
import com.sun.jna.NativeLong;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.host.linux.Libc;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits on the sockets of all {@link NetworkWatch}es with one platform thread, which lives as long
 * as there are any and sleeps as long as nothing changes. Thread-safe.
 */
final class NetlinkWatcher implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(NetlinkWatcher.class);
    private static final int EFD_CLOEXEC = 0x80000;
    private static final int POLLFD_SIZE = 8;
    private static final int EVENTS_OFFSET = 4;
    private static final int REVENTS_OFFSET = 6;
    private static final int FOR_EVER = -1;
    private static final int BUFFER_SIZE = 16 << 10;

    /** Messages that are read before whoever watches hears of them. */
    private static final int MOST_READ = 256;

    private final Supplier<Libc> libc;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<Integer, Runnable> watched = new HashMap<>();
    private final List<Integer> ended = new ArrayList<>();
    private OptionalInt bell = OptionalInt.empty();
    private boolean closed;

    NetlinkWatcher(Supplier<Libc> libc) {
        this.libc = libc;
    }

    /**
     * @param socket becomes this object's
     */
    NetworkWatch add(int socket, Runnable changed) {
        lock.lock();
        try {
            if (closed) {
                libc.get().close(socket);
                throw new DriverException(
                        FailureKind.UNAVAILABLE,
                        "hakod could not watch a network: it is stopping.");
            }
            watched.put(socket, changed);
            if (bell.isEmpty()) {
                int made = libc.get().eventfd(0, EFD_CLOEXEC);
                bell = OptionalInt.of(made);
                Thread.ofPlatform().daemon().name("network-watch").start(() -> run(made));
            } else {
                ring();
            }
        } finally {
            lock.unlock();
        }
        return () -> end(socket, changed);
    }

    /** The number may be another's by now. */
    private void end(int socket, Runnable changed) {
        lock.lock();
        try {
            if (watched.remove(socket, changed)) {
                ended.add(socket);
                ring();
            }
        } finally {
            lock.unlock();
        }
    }

    /** Ends every watch. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            ended.addAll(watched.keySet());
            watched.clear();
            ring();
        } finally {
            lock.unlock();
        }
    }

    private void ring() {
        bell.ifPresent(there -> libc.get().eventfd_write(there, 1));
    }

    private void run(int own) {
        try (Memory buffer = new Memory(BUFFER_SIZE)) {
            Optional<List<Integer>> sockets = current(own);
            while (sockets.isPresent()) {
                for (int readable : poll(own, sockets.get())) {
                    if (readable == own) {
                        libc.get().eventfd_read(own, buffer);
                    } else {
                        told(readable, buffer);
                    }
                }
                sockets = current(own);
            }
        }
    }

    /**
     * What is watched now. A socket is closed here, where nobody waits on it; the last takes the
     * thread with it.
     */
    private Optional<List<Integer>> current(int own) {
        lock.lock();
        try {
            ended.forEach(socket -> libc.get().close(socket));
            ended.clear();
            if (watched.isEmpty()) {
                bell = OptionalInt.empty();
                libc.get().close(own);
                return Optional.empty();
            }
            List<Integer> all = new ArrayList<>(watched.keySet());
            all.add(own);
            return Optional.of(all);
        } finally {
            lock.unlock();
        }
    }

    /** Those that can be read; none where the wait was interrupted. */
    private List<Integer> poll(int own, List<Integer> sockets) {
        try (Memory polled = new Memory((long) POLLFD_SIZE * sockets.size())) {
            polled.clear();
            for (int i = 0; i < sockets.size(); i++) {
                polled.setInt((long) POLLFD_SIZE * i, sockets.get(i));
                polled.setShort((long) POLLFD_SIZE * i + EVENTS_OFFSET, (short) Libc.POLLIN);
            }
            libc.get().poll(polled, new NativeLong(sockets.size()), FOR_EVER);
            List<Integer> readable = new ArrayList<>();
            for (int i = 0; i < sockets.size(); i++) {
                if (polled.getShort((long) POLLFD_SIZE * i + REVENTS_OFFSET) != 0) {
                    readable.add(sockets.get(i));
                }
            }
            return readable;
        } catch (LastErrorException e) {
            if (e.getErrorCode() != Libc.EINTR) {
                LOG.error("The networks of pods are watched no more: poll(2) failed.", e);
                close();
            }
            return List.of();
        }
    }

    private void told(int socket, Memory buffer) {
        drain(socket, buffer);
        Optional<Runnable> changed;
        lock.lock();
        try {
            changed = Optional.ofNullable(watched.get(socket));
        } finally {
            lock.unlock();
        }
        changed.ifPresent(Runnable::run);
    }

    /**
     * Reads away what there is: the messages are a reason to look, and so is ENOBUFS, by which the
     * kernel says that it had more of them (netlink(7)).
     */
    private void drain(int socket, Memory buffer) {
        try {
            for (int i = 0; i < MOST_READ; i++) {
                libc.get().recv(socket, buffer, BUFFER_SIZE, Libc.MSG_DONTWAIT);
            }
        } catch (LastErrorException e) {
            if (e.getErrorCode() != Libc.EAGAIN && e.getErrorCode() != Libc.ENOBUFS) {
                LOG.warn("A watch of a pod's network could not be read: {}", e.getMessage());
            }
        }
    }
}
