// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * The journal of one sandbox: an append-only file, of which a line counts once its newline is
 * there.
 *
 * <p>{@link #append} writes to a file opened O_APPEND: a kill of the daemon loses at most the line
 * being written. Nothing is synced to a disk, since the file is on a tmpfs and a reboot ends the
 * virtual machines too. Thread-safe; {@link #record} never waits for an append.
 */
public final class SandboxJournal {
    /** A journal past this many bytes is written anew when that at least halves it. */
    static final long COMPACTED_FROM = 256 * 1024;

    private final OwnerId owner;
    private final Path file;
    private final JournalObserver observer;
    private final EntryCodec codec = new EntryCodec();
    private final ReentrantLock lock = new ReentrantLock();
    private final List<Consumer<Happening>> followers = new ArrayList<>();
    private FileOutputStream out;
    private long written;
    private long compactAt = COMPACTED_FROM;
    private boolean removed;
    private volatile SandboxRecord record;

    private SandboxJournal(
            OwnerId owner,
            Path file,
            JournalObserver observer,
            FileOutputStream out,
            long written,
            SandboxRecord record) {
        this.owner = owner;
        this.file = file;
        this.observer = observer;
        this.out = out;
        this.written = written;
        this.record = record;
    }

    /** Begins a journal; the file must not be there. */
    static SandboxJournal begin(
            OwnerId owner, Path file, JournalObserver observer, Entry.Sandbox identity)
            throws IOException {
        Files.createFile(file, Replay.PRIVATE);
        SandboxJournal journal =
                new SandboxJournal(
                        owner, file, observer, open(file), 0, SandboxRecord.of(identity));
        observer.writing(identity);
        journal.write(journal.codec.line(identity));
        observer.written(identity);
        return journal;
    }

    /**
     * Continues a journal from its replay, cutting off a torn tail. One of an older format becomes
     * one of this format first.
     */
    static SandboxJournal resume(
            OwnerId owner, Path file, JournalObserver observer, Replay replay, SandboxRecord record)
            throws IOException {
        cut(file, replay.wholeBytes());
        SandboxJournal journal =
                new SandboxJournal(
                        owner,
                        file,
                        observer,
                        open(file),
                        replay.wholeBytes(),
                        record.inThisFormat());
        if (record.identity().v() < Entry.SCHEMA) {
            journal.rewrite(journal.shortest());
        }
        return journal;
    }

    /** No channel: that would close for good under a thread that is interrupted as it writes. */
    private static FileOutputStream open(Path file) throws IOException {
        return new FileOutputStream(file.toFile(), true);
    }

    private static void cut(Path file, long length) throws IOException {
        try (RandomAccessFile whole = new RandomAccessFile(file.toFile(), "rw")) {
            whole.setLength(length);
        }
    }

    public OwnerId owner() {
        return owner;
    }

    /** What has been journalled up to now. */
    public SandboxRecord record() {
        return record;
    }

    /**
     * Writes an entry. When this returns, a kill of the daemon no longer loses it.
     *
     * @throws DriverException UNAVAILABLE if it cannot be written (nothing that depends on it may
     *     be done then); FAILED_PRECONDITION after {@link #remove}
     */
    public void append(Entry entry) {
        lock.lock();
        try {
            if (removed) {
                throw new DriverException(
                        FailureKind.FAILED_PRECONDITION,
                        "Sandbox %s is gone: its journal was removed.".formatted(owner));
            }
            observer.writing(entry);
            write(codec.line(entry));
            long told = record.happenings().last();
            record = record.with(entry);
            observer.written(entry);
            record.happenings().untold().stream()
                    .filter(happening -> happening.number() > told)
                    .forEach(happening -> followers.forEach(f -> f.accept(happening)));
            if (written > compactAt) {
                compact();
            }
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The journal %s could not be written: make room there.".formatted(file),
                    e);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Hands on what was not told yet, and from now on each happening as it is journalled: in order,
     * under this journal's lock, so that the follower must return at once.
     */
    public Following follow(Consumer<Happening> follower) {
        lock.lock();
        try {
            record.happenings().untold().forEach(follower);
            followers.add(follower);
            return () -> leave(follower);
        } finally {
            lock.unlock();
        }
    }

    private void leave(Consumer<Happening> follower) {
        lock.lock();
        try {
            followers.remove(follower);
        } finally {
            lock.unlock();
        }
    }

    /** Someone's following, until closed. */
    public interface Following extends AutoCloseable {
        /** Nothing is handed on after this. Idempotent. */
        @Override
        void close();
    }

    /** As {@link #follow}, but only what is journalled from now on. */
    public void watch(Consumer<Happening> watcher) {
        lock.lock();
        try {
            followers.add(watcher);
        } finally {
            lock.unlock();
        }
    }

    /** The effects of one slot, journalled here. */
    public EffectLog effects(String slot) {
        return new SlotEffects(this, slot);
    }

    /** Deletes the file: nothing of the sandbox is left. Idempotent. */
    public void remove() {
        lock.lock();
        try {
            removed = true;
            out.close();
            Files.deleteIfExists(draft());
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The journal %s could not be removed.".formatted(file),
                    e);
        } finally {
            lock.unlock();
        }
    }

    /** Closes the file and leaves it. */
    void close() throws IOException {
        lock.lock();
        try {
            removed = true;
            out.close();
        } finally {
            lock.unlock();
        }
    }

    private void write(String line) throws IOException {
        byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
        try {
            out.write(bytes);
        } catch (IOException e) { // a full file system: the part is taken back, so that the next
            // line does not join it
            cut(file, written);
            throw e;
        }
        written += bytes.length;
    }

    /**
     * Replaces the file by the shortest one that says the same; a kill leaves the old or the new
     * one, each whole. Where that fails, for want of room, the old one goes on: it has all that was
     * said.
     */
    private void compact() {
        byte[] bytes = shortest();
        compactAt = Math.max(COMPACTED_FROM, 2L * bytes.length);
        if (bytes.length > written / 2) {
            return;
        }
        try {
            rewrite(bytes);
        } catch (IOException e) {
            compactAt = written + COMPACTED_FROM;
        }
    }

    private byte[] shortest() {
        String text = record.entries().stream().map(codec::line).collect(Collectors.joining());
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private void rewrite(byte[] bytes) throws IOException {
        Files.deleteIfExists(draft());
        Files.createFile(draft(), Replay.PRIVATE);
        Files.write(draft(), bytes);
        FileOutputStream next = open(draft());
        Files.move(draft(), file, StandardCopyOption.ATOMIC_MOVE);
        out.close();
        out = next;
        written = bytes.length;
    }

    /** The next journal while it is being written. */
    private Path draft() {
        return file.resolveSibling(file.getFileName() + ".new");
    }
}
