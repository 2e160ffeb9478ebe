// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import static org.junit.Assert.assertEquals;

import io.hako.api.types.OwnerId;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** What a journal hands on of a sandbox's processes, over the daemon's life and beyond. */
public class HappeningsTest {
    private static final OwnerId OWNER = new OwnerId("test", "a");

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private SandboxJournal journal;

    @Before
    public void begin() {
        journal = store().create(OWNER, identity());
        journal.append(new Entry.Container("c", "/b/c", "", "", List.of("sh"), false));
        journal.append(new Entry.Process("c", "", false, "", "", "", 0, 0, 0, ""));
        journal.append(new Entry.Moved("c", "", ProcessPhase.CREATED));
    }

    @Test
    public void aFollowerGetsWhatWasNotToldAndThenWhatComes() {
        List<String> seen = followed(journal);
        journal.append(new Entry.Moved("c", "", ProcessPhase.RUNNING));
        journal.append(new Entry.Request("key", "Kill c"));
        journal.append(new Entry.OutOfMemory("c"));

        assertEquals(List.of("1 Moved PREPARED", "2 Moved CREATED", "3 OutOfMemory RUNNING"), seen);
    }

    @Test
    public void theNextDaemonGetsWhatThisOneHasNotTold() {
        journal.append(new Entry.Moved("c", "", ProcessPhase.RUNNING));
        journal.append(new Entry.Exited("c", "", 3, Instant.EPOCH, ""));
        journal.append(new Entry.Told(2));

        assertEquals(List.of("3 Exited RUNNING"), followed(reopened()));
    }

    @Test
    public void aJournalThatIsWrittenAnewHasWhatWasNotTold() {
        journal.append(new Entry.Machine(MachinePhase.RUNNING, 7, ""));
        journal.append(new Entry.Moved("c", "", ProcessPhase.RUNNING));
        journal.append(new Entry.Told(2));
        journal.append(new Entry.Process("c", "e", false, "", "/out", "", 0, 5, 0, "{}"));
        journal.append(new Entry.Exited("c", "", 3, Instant.EPOCH, ""));
        List<Happening> untold = journal.record().happenings().untold();
        SandboxRecord again = writtenAnew();

        assertEquals(untold, again.happenings().untold());
        assertEquals(journal.record(), again);
        assertEquals(List.of(7, 7), untold.stream().map(Happening::pid).toList());
    }

    @Test
    public void numbersGoOnInAJournalThatIsWrittenAnew() {
        journal.append(new Entry.Told(1));

        assertEquals(new Happenings(1, List.of()), writtenAnew().happenings());
    }

    @Test
    public void ofThoseThatNobodyTellsTheNewestAreKept() {
        for (int i = 0; i < 2 * Happenings.KEPT; i++) {
            journal.append(new Entry.OutOfMemory("c"));
        }

        List<Happening> untold = journal.record().happenings().untold();
        assertEquals(Happenings.KEPT, untold.size());
        assertEquals(1 + 2 * Happenings.KEPT, untold.getLast().number());
    }

    /** What the shortest journal of the same says, by its lines. */
    private SandboxRecord writtenAnew() {
        EntryCodec codec = new EntryCodec();
        SandboxRecord again = SandboxRecord.of(identity());
        for (Entry entry : journal.record().entries()) {
            again = again.with(codec.entry(codec.line(entry).strip()));
        }
        return again;
    }

    private SandboxJournal reopened() {
        return store().open(OWNER).orElseThrow();
    }

    private StateStore store() {
        Path directory = folder.getRoot().toPath().resolve("journal");
        return new StateStore(directory, JournalObserver.NONE);
    }

    private static Entry.Sandbox identity() {
        return new Entry.Sandbox(Entry.SCHEMA, "test", "a", "/b/c", "boot", Instant.EPOCH);
    }

    /** Number, entry and the first process's phase before it. */
    private static List<String> followed(SandboxJournal journal) {
        List<String> seen = new ArrayList<>();
        journal.follow(
                happening ->
                        seen.add(
                                "%d %s %s"
                                        .formatted(
                                                happening.number(),
                                                happening.entry().getClass().getSimpleName(),
                                                happening
                                                        .before()
                                                        .process("")
                                                        .orElseThrow()
                                                        .phase())));
        return seen;
    }
}
