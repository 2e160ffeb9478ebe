// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** What a kill of the daemon at any instant leaves of a journal. */
public class KillSafetyTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Path file;
    private StateStore store;

    @Before
    public void open() {
        store = new StateStore(folder.getRoot().toPath(), JournalObserver.NONE);
        file = folder.getRoot().toPath().resolve("hako@web.jsonl");
    }

    @Test
    public void aJournalCutAtAnyByteReplaysToExactlyItsWholeLines() throws IOException {
        List<SandboxRecord> after = recordsAfterEachLine();
        byte[] whole = Files.readAllBytes(file);
        for (int length = 0; length <= whole.length; length++) {
            byte[] cut = Arrays.copyOf(whole, length);
            Files.write(file, cut);
            int lines = newlines(cut);
            Optional<SandboxRecord> replayed =
                    store.open(Samples.OWNER).map(SandboxJournal::record);
            assertEquals(
                    "cut at " + length,
                    lines == 0 ? Optional.empty() : Optional.of(after.get(lines - 1)),
                    replayed);
            assertEquals("cut at " + length, lines > 0, Files.exists(file));
        }
    }

    @Test
    public void anEntryAfterATornTailStandsOnALineOfItsOwn() throws IOException {
        store.create(Samples.OWNER, Samples.SANDBOX).append(new Entry.Step("one", 1));
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length - 5));
        store.open(Samples.OWNER).orElseThrow().append(new Entry.Step("two", 2));
        assertEquals(
                List.of(new Entry.Step("two", 2)),
                store.open(Samples.OWNER).orElseThrow().record().steps());
    }

    @Test
    public void theShortestJournalOfAnyRecordReplaysToIt() throws IOException {
        for (SandboxRecord record : recordsAfterEachLine()) {
            SandboxRecord again = SandboxRecord.of(record.identity());
            for (Entry entry : record.entries()) {
                again = again.with(entry);
            }
            assertEquals(record, again);
        }
    }

    @Test
    public void aLongLifeStaysASmallFileAndForgetsNothingThatMatters() throws IOException {
        SandboxJournal journal = store.create(Samples.OWNER, Samples.SANDBOX);
        journal.append(new Entry.Begin("sandbox", "cgroup", "/hako/web", ""));
        journal.append(new Entry.Container("web", "/b", "", "", List.of("sh"), false));
        for (int i = 0; i < 3_000; i++) {
            journal.append(new Entry.Request("c:" + i + ":1", "Exec"));
            journal.append(new Entry.Answered("c:" + i + ":1", "", "{}"));
        }
        journal.append(new Entry.Request("last", "Kill"));
        assertTrue(
                "bytes: " + Files.size(file),
                Files.size(file) <= SandboxJournal.COMPACTED_FROM + 200);
        SandboxRecord replayed = store.open(Samples.OWNER).orElseThrow().record();
        assertEquals(journal.record(), replayed);
        assertEquals(SandboxRecord.ANSWERS_KEPT + 1, replayed.requests().size());
        assertEquals(1, replayed.effects().size());
    }

    @Test
    public void anEffectThatWasBegunIsKnownUntilItIsUndone() {
        EffectLog log = store.create(Samples.OWNER, Samples.SANDBOX).effects("storage-0");
        log.begin("mount", "/a", "bind");
        log.begin("mount", "/a", "bind");
        log.begin("process", "virtiofsd-0", "");
        log.done("process", "virtiofsd-0");
        assertEquals(
                List.of(
                        new Effect("storage-0", "mount", "/a", "bind", false),
                        new Effect("storage-0", "process", "virtiofsd-0", "", true)),
                store.open(Samples.OWNER).orElseThrow().effects("storage-0").effects());
        log.undone("process", "virtiofsd-0");
        log.undone("mount", "/never");
        assertEquals(List.of("/a"), log.effects().stream().map(Effect::name).toList());
        assertEquals(
                List.of(), store.open(Samples.OWNER).orElseThrow().effects("storage-1").effects());
    }

    @Test
    public void aRemovedSandboxIsGoneAndItsJournalTakesNoMore() {
        SandboxJournal journal = store.create(Samples.OWNER, Samples.SANDBOX);
        assertEquals(List.of(Samples.OWNER), store.list());
        journal.remove();
        journal.remove();
        assertFalse(Files.exists(file));
        assertEquals(List.of(), store.list());
        assertEquals(Optional.empty(), store.open(Samples.OWNER));
        DriverException late =
                assertThrows(
                        DriverException.class, () -> journal.append(new Entry.Step("late", 1)));
        assertEquals(FailureKind.FAILED_PRECONDITION, late.failure());
        assertEquals("Sandbox hako@web is gone: its journal was removed.", late.getMessage());
    }

    @Test
    public void aThreadThatIsInterruptedJournalsLikeAnyOther() {
        SandboxJournal journal = store.create(Samples.OWNER, Samples.SANDBOX);
        Thread.currentThread().interrupt();
        try {
            journal.append(new Entry.Step("one", 1));
        } finally {
            assertTrue("it stays interrupted", Thread.interrupted());
        }
        journal.append(new Entry.Step("two", 2));
        assertEquals(
                List.of(new Entry.Step("one", 1), new Entry.Step("two", 2)),
                store.open(Samples.OWNER).orElseThrow().record().steps());
    }

    @Test
    public void sandboxesOfTwoNamespacesHaveTwoJournalsWhateverTheirNames() {
        OwnerId one = new OwnerId("a-b", "c");
        OwnerId other = new OwnerId("a", "b-c");
        store.create(one, Samples.SANDBOX);
        store.create(other, Samples.SANDBOX);
        assertEquals(Set.of(one, other), Set.copyOf(store.list()));
    }

    @Test
    public void aFileThatIsNoSandboxesJournalIsLeftAlone() throws IOException {
        Path stray = Files.createFile(file.resolveSibling("notes.jsonl"));
        store.create(Samples.OWNER, Samples.SANDBOX);
        assertEquals(List.of(Samples.OWNER), store.list());
        assertTrue(Files.exists(stray));
    }

    @Test
    public void aSecondJournalOfTheSameNameIsRefused() {
        store.create(Samples.OWNER, Samples.SANDBOX);
        DriverException second =
                assertThrows(
                        DriverException.class, () -> store.create(Samples.OWNER, Samples.SANDBOX));
        assertEquals(FailureKind.ALREADY_EXISTS, second.failure());
        assertEquals(Optional.empty(), store.open(new OwnerId("hako", "other")));
    }

    private List<SandboxRecord> recordsAfterEachLine() {
        SandboxJournal journal = store.create(Samples.OWNER, Samples.SANDBOX);
        List<SandboxRecord> after = new ArrayList<>(List.of(journal.record()));
        for (Entry entry : Samples.life()) {
            journal.append(entry);
            after.add(journal.record());
        }
        return after;
    }

    private static int newlines(byte[] bytes) {
        int count = 0;
        for (byte b : bytes) {
            count += b == '\n' ? 1 : 0;
        }
        return count;
    }
}
