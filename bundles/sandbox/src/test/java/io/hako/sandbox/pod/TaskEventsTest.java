// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static org.junit.Assert.assertEquals;

import io.hako.api.types.OwnerId;
import io.hako.sandbox.TaskEvent;
import io.hako.state.Entry;
import io.hako.state.JournalObserver;
import io.hako.state.ProcessPhase;
import io.hako.state.SandboxJournal;
import io.hako.state.StateStore;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** What a journal says, in the words and in the order that the Task API has. */
public class TaskEventsTest {
    private static final OwnerId OWNER = new OwnerId("test", "a");

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private final List<String> told = new ArrayList<>();
    private SandboxJournal journal;
    private SandboxJournal.Following following;

    @Before
    public void begin() {
        journal =
                new StateStore(folder.getRoot().toPath().resolve("journal"), JournalObserver.NONE)
                        .create(
                                OWNER,
                                new Entry.Sandbox(
                                        Entry.SCHEMA, "test", "a", "/b/c", "boot", Instant.EPOCH));
        following = journal.follow(new TaskEvents(journal, event -> told.add(words(event.what()))));
        journal.append(new Entry.Container("c", "/b/c", "", "", List.of("sh"), false));
        announce("");
        moved("", ProcessPhase.CREATED);
    }

    @Test
    public void afterTheFollowingNothingIsTold() {
        following.close();
        following.close();
        moved("", ProcessPhase.RUNNING);
        assertEquals(List.of("Created"), told);
    }

    @Test
    public void aContainersWholeLife() {
        moved("", ProcessPhase.RUNNING);
        announce("e");
        moved("e", ProcessPhase.RUNNING);
        exited("e", 3);
        journal.append(new Entry.Deleted("c", "e"));
        moved("", ProcessPhase.PAUSED);
        moved("", ProcessPhase.RUNNING);
        journal.append(new Entry.OutOfMemory("c"));
        exited("", 137);
        journal.append(new Entry.Deleted("c", ""));

        assertEquals(
                List.of(
                        "Created",
                        "Started",
                        "ExecAdded",
                        "ExecStarted",
                        "Exited e 3",
                        "Paused",
                        "Resumed",
                        "OutOfMemory",
                        "Exited  137",
                        "Deleted 137"),
                told);
    }

    @Test
    public void anExitThatIsKnownBeforeItsStartIsToldAfterIt() {
        exited("", 0);
        assertEquals(List.of("Created"), told);
        moved("", ProcessPhase.RUNNING);
        assertEquals(List.of("Created", "Started", "Exited  0"), told);
    }

    @Test
    public void theExitOfAContainerThatNeverRanIsToldBeforeItIsDeleted() {
        exited("", 137);
        journal.append(new Entry.Deleted("c", ""));

        assertEquals(List.of("Created", "Exited  137", "Deleted 137"), told);
    }

    private void announce(String exec) {
        journal.append(new Entry.Process("c", exec, false, "", "", "", 0, 0, 0, ""));
    }

    private void moved(String exec, ProcessPhase to) {
        journal.append(new Entry.Moved("c", exec, to));
    }

    private void exited(String exec, int status) {
        journal.append(new Entry.Exited("c", exec, status, Instant.EPOCH, ""));
    }

    private static String words(TaskEvent.What what) {
        return switch (what) {
            case TaskEvent.Exited exited ->
                    "Exited " + exited.exec() + " " + exited.exit().status();
            case TaskEvent.Deleted deleted -> "Deleted " + deleted.exit().status();
            default -> what.getClass().getSimpleName();
        };
    }
}
