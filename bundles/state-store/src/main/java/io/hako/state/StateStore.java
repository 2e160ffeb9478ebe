// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The journals of this node, one file {@code OWNER.jsonl} per sandbox in RUN/journal. Thread-safe.
 * Each journal is opened by one place in the daemon and by one daemon at a time (the launcher's
 * lock sees to that).
 */
@Component(service = StateStore.class)
public final class StateStore {
    private static final Logger LOG = LoggerFactory.getLogger(StateStore.class);
    private static final String SUFFIX = ".jsonl";

    private final Path directory;
    private final JournalObserver observer;

    @Activate
    public StateStore(BundleContext context) {
        this(
                Path.of(FrameworkPaths.required(context, "hako.run")).resolve("journal"),
                JournalObserver.NONE);
    }

    /**
     * @param directory made if missing, for its owner alone
     */
    public StateStore(Path directory, JournalObserver observer) {
        this.directory = FrameworkPaths.made(directory);
        this.observer = observer;
    }

    /** The sandboxes that have a journal, in no order. */
    public List<OwnerId> list() {
        List<OwnerId> owners = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "*" + SUFFIX)) {
            for (Path file : files) {
                owner(file).ifPresent(owners::add);
            }
        } catch (IOException e) {
            throw unavailable("The journals in %s could not be listed.".formatted(directory), e);
        }
        return owners;
    }

    /**
     * Begins a sandbox's journal.
     *
     * @throws DriverException ALREADY_EXISTS if there is one
     */
    public SandboxJournal create(OwnerId owner, Entry.Sandbox identity) {
        try {
            return SandboxJournal.begin(owner, file(owner), observer, identity);
        } catch (FileAlreadyExistsException e) {
            throw new DriverException(
                    FailureKind.ALREADY_EXISTS,
                    "Sandbox %s has a journal already.".formatted(owner));
        } catch (IOException e) {
            throw unavailable(
                    "The journal of sandbox %s could not be made in %s."
                            .formatted(owner, directory),
                    e);
        }
    }

    /**
     * Opens a sandbox's journal and replays it. Empty if there is none, or one of which not even
     * the first line is whole (it is removed: nothing was done under it). One of an older format is
     * written anew, so that the older hako refuses what this one adds.
     *
     * @throws DriverException UNSUPPORTED or INTERNAL if it cannot be understood; the file is left
     *     as it is
     */
    public Optional<SandboxJournal> open(OwnerId owner) {
        Path file = file(owner);
        try {
            Replay replay = Replay.of(file);
            if (replay.record().isEmpty()) {
                Files.delete(file);
                return Optional.empty();
            }
            return Optional.of(
                    SandboxJournal.resume(owner, file, observer, replay, replay.record().get()));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw unavailable(
                    "The journal %s could not be read, or not be written in this hako's format."
                            .formatted(file),
                    e);
        }
    }

    private static Optional<OwnerId> owner(Path file) {
        String name = file.getFileName().toString();
        try {
            return Optional.of(OwnerId.parse(name.substring(0, name.length() - SUFFIX.length())));
        } catch (DriverException e) {
            LOG.error("The file {} is no journal and left alone: {}", file, e.getMessage());
            return Optional.empty();
        }
    }

    private Path file(OwnerId owner) {
        return directory.resolve(owner + SUFFIX);
    }

    private static DriverException unavailable(String sentence, IOException cause) {
        return new DriverException(FailureKind.UNAVAILABLE, sentence, cause);
    }
}
