// SPDX-License-Identifier: Apache-2.0
package io.hako.observability;

import com.google.gson.JsonParseException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Events on a tmpfs, a line of JSON each, so that the next daemon has them too. Where it cannot be
 * written the daemon goes on without it, and says so once. Not thread-safe.
 */
final class EventFile implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(EventFile.class);

    private final Path file;
    private Optional<FileOutputStream> out = Optional.empty();
    private int lines;

    EventFile(Path file) {
        this.file = file;
    }

    /** The newest whole events; a line that cannot be read, such as a torn one, is left out. */
    Deque<Told> read(int atMost) {
        Deque<Told> found = new ArrayDeque<>();
        try (Stream<String> all = Files.lines(file, StandardCharsets.UTF_8)) {
            all.forEach(
                    line -> {
                        parsed(line).ifPresent(found::addLast);
                        if (found.size() > atMost) {
                            found.removeFirst();
                        }
                    });
        } catch (NoSuchFileException e) {
            LOG.debug("No daemon before this one told events.");
        } catch (IOException | java.io.UncheckedIOException e) {
            LOG.warn("The events in {} cannot be read: {}", file, e.getMessage());
        }
        return found;
    }

    private static Optional<Told> parsed(String line) {
        try {
            return Optional.of(EventCodec.told(line));
        } catch (JsonParseException e) {
            return Optional.empty();
        }
    }

    /** How many lines it has. */
    int lines() {
        return lines;
    }

    void append(Told event) {
        lines++;
        if (out.isPresent()) {
            try {
                out.get().write(bytes(Stream.of(event)));
            } catch (IOException e) {
                lost(e);
            }
        }
    }

    /** Begins anew with these alone; a kill leaves the old file or the new one. */
    void rewrite(Collection<Told> events) {
        Path draft = file.resolveSibling(file.getFileName() + ".new");
        try {
            close();
            Files.createDirectories(
                    file.getParent(),
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
            Files.deleteIfExists(draft);
            Files.createFile(
                    draft,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------")));
            Files.write(draft, bytes(events.stream()));
            Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
            // No channel: that would close for good under a thread that is interrupted as it
            // writes.
            out = Optional.of(new FileOutputStream(file.toFile(), true));
        } catch (IOException e) {
            lost(e);
        }
        lines = events.size();
    }

    @Override
    public void close() {
        try {
            if (out.isPresent()) {
                out.get().close();
            }
        } catch (IOException e) {
            LOG.debug("{} was not closed: {}", file, e.getMessage());
        }
        out = Optional.empty();
    }

    private void lost(IOException e) {
        LOG.warn("Events are not written to {} any more: {}", file, e.getMessage());
        close();
    }

    private static byte[] bytes(Stream<Told> events) {
        return events.map(event -> EventCodec.line(event) + "\n")
                .collect(Collectors.joining())
                .getBytes(StandardCharsets.UTF_8);
    }
}
