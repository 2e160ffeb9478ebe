// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The journal's bytes are a contract with the daemons before and after this one. */
public class JournalFormatTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Path file;
    private StateStore store;

    @Before
    public void open() {
        store = new StateStore(folder.getRoot().toPath(), JournalObserver.NONE);
        file = folder.getRoot().toPath().resolve("hako@web.jsonl");
    }

    @Test
    public void everyEntryIsWrittenAsTheGoldenFileHasIt() throws IOException {
        SandboxJournal journal = store.create(Samples.OWNER, Samples.SANDBOX);
        Samples.life().forEach(journal::append);
        assertEquals(golden(), Files.readString(file));
    }

    @Test
    public void theGoldenFileReplaysToTheRecordThatWasKept() throws IOException {
        SandboxJournal written = store.create(Samples.OWNER, Samples.SANDBOX);
        Samples.life().forEach(written::append);
        Files.writeString(file, golden());
        assertEquals(written.record(), store.open(Samples.OWNER).orElseThrow().record());
    }

    @Test
    public void membersOfALaterVersionAreIgnored() throws IOException {
        Files.writeString(file, golden().replace("\"t\":\"step\"", "\"t\":\"step\",\"cpu\":[3]"));
        assertEquals(1, store.open(Samples.OWNER).orElseThrow().record().steps().size());
    }

    @Test
    public void aHigherSchemaIsRefused() throws IOException {
        Files.writeString(file, golden().replace("\"v\":2", "\"v\":3"));
        DriverException refusal =
                assertThrows(DriverException.class, () -> store.open(Samples.OWNER));
        assertEquals(FailureKind.UNSUPPORTED, refusal.failure());
        assertEquals(
                "The journal "
                        + file
                        + " has format 3, but this hako reads up to 2: start the newer hako that wrote it.",
                refusal.getMessage());
    }

    @Test
    public void aWholeLineThatIsNoEntryIsRefusedAndTheFileLeft() throws IOException {
        String broken = golden().replaceFirst("\"kind\":\"cgroup\",", "");
        Files.writeString(file, broken);
        DriverException refusal =
                assertThrows(DriverException.class, () -> store.open(Samples.OWNER));
        assertEquals(
                "Line 6 of the journal "
                        + file
                        + " cannot be read (\"kind\" is missing): look at its sandbox's processes, then"
                        + " remove the file.",
                refusal.getMessage());
        assertEquals(broken, Files.readString(file));
    }

    @Test
    public void theFileIsItsOwnersAlone() throws IOException {
        store.create(Samples.OWNER, Samples.SANDBOX);
        assertTrue(
                Files.getPosixFilePermissions(file).toString(),
                Files.getPosixFilePermissions(file).size() == 2);
    }

    @Test
    public void aJournalOfTheFormatBeforeIsReadWithoutWhatItDidNotHave() throws IOException {
        String older =
                golden("journal-1.jsonl")
                        .lines()
                        .takeWhile(line -> !line.contains("\"t\":\"exited\""))
                        .collect(Collectors.joining("\n", "", "\n"));
        Files.writeString(file, older);
        SandboxRecord record = store.open(Samples.OWNER).orElseThrow().record();
        assertFalse(record.container("web").orElseThrow().facts().sandbox());
        assertEquals(Optional.empty(), record.plan());
    }

    @Test
    public void aJournalOfTheFormatBeforeIsOfThisOneBeforeAnythingIsAdded() throws IOException {
        String older = golden("journal-1.jsonl");
        Files.writeString(file, older);
        SandboxJournal journal = store.open(Samples.OWNER).orElseThrow();

        String first = Files.readString(file).lines().findFirst().orElseThrow();
        assertEquals(older.lines().findFirst().orElseThrow().replace("\"v\":1", "\"v\":2"), first);
        journal.append(new Entry.Step("s", 1));
        assertEquals(journal.record(), store.open(Samples.OWNER).orElseThrow().record());
    }

    @Test
    public void aMachineOfAnOlderJournalKeepsItsSize() throws IOException {
        Files.writeString(file, golden().replaceFirst(",\"room\":\\{.*\\]\\}", ""));
        Entry.Planned plan = store.open(Samples.OWNER).orElseThrow().record().plan().orElseThrow();
        assertEquals(
                new Entry.Room(
                        plan.memory(),
                        plan.containerMemory(),
                        1,
                        plan.containerMemory(),
                        1,
                        0,
                        List.of()),
                plan.room());
    }

    private static String golden() throws IOException {
        return golden("journal-2.jsonl");
    }

    private static String golden(String name) throws IOException {
        try (InputStream in = JournalFormatTest.class.getResourceAsStream(name)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }
}
