// SPDX-License-Identifier: Apache-2.0
package io.hako.observability;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.ttrpc.CallScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.LongStream;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class EventLogTest {
    private static final Event OOM =
            Event.of(Event.Subject.CONTAINER, "oom")
                    .in(new OwnerId("k8s.io", "web"))
                    .at("db", "")
                    .because("The container ran out of memory.")
                    .took(Duration.ofNanos(1_500_000))
                    .with("kills", 2);

    private static final Duration LONG = Duration.ofSeconds(10);

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Path file;

    @Before
    public void file() {
        file = folder.getRoot().toPath().resolve("events.jsonl");
    }

    @Test
    public void aReaderThatKeepsUpGetsEveryEventInOrder() throws Exception {
        EventLog log = new EventLog(file);
        int count = 10 * EventLog.KEPT;
        CompletableFuture<List<Long>> reader =
                CompletableFuture.supplyAsync(() -> numbers(log, count));
        for (int i = 1; i <= count; i++) {
            tell(log);
            // No further ahead than what is kept: the reader keeps up.
            if (i % (EventLog.KEPT / 2) == 0) {
                await(log, i);
            }
        }
        assertEquals(
                LongStream.rangeClosed(1, count).boxed().toList(),
                reader.get(30, TimeUnit.SECONDS));
    }

    private volatile long read;

    private List<Long> numbers(EventLog log, int count) {
        List<Long> seen = new ArrayList<>();
        while (read < count) {
            EventLog.Batch batch = log.read(read, LONG, CallScope.unlimited());
            assertEquals(0, batch.lost());
            batch.events().forEach(event -> seen.add(event.number()));
            read = batch.next();
        }
        return seen;
    }

    private void await(EventLog log, long number) {
        long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
        while (read < number && System.nanoTime() < end) {
            Thread.yield();
        }
        assertTrue("the reader does not get on", read >= number);
    }

    @Test
    public void aReaderThatIsLateIsToldHowManyAreLost() {
        EventLog log = new EventLog(file);
        for (int i = 0; i < EventLog.KEPT + 7; i++) {
            tell(log);
        }
        EventLog.Batch batch = log.read(2, Duration.ZERO, CallScope.unlimited());
        assertEquals(5, batch.lost());
        assertEquals(8, batch.events().getFirst().number());
    }

    @Test
    public void whatIsToldIsReadAsItWas() {
        EventLog log = new EventLog(file);
        Instant before = Instant.now();
        log.tell(OOM);
        Told told = log.read(0, Duration.ZERO, CallScope.unlimited()).events().getFirst();
        assertEquals(OOM, told.event());
        assertFalse(told.at().isBefore(before));
    }

    @Test
    public void theNextDaemonHasWhatTheLastOneTold() throws IOException {
        EventLog first = new EventLog(file);
        first.tell(OOM);
        Told told = first.read(0, Duration.ZERO, CallScope.unlimited()).events().getFirst();
        // Cut off in the middle of a line.
        Files.writeString(file, "{\"number\":2,\"ti", StandardOpenOption.APPEND);
        EventLog second = new EventLog(file);
        tell(second);
        EventLog third = new EventLog(file);
        List<Told> all = third.read(0, Duration.ZERO, CallScope.unlimited()).events();
        assertEquals(told, all.getFirst());
        assertEquals(List.of(1L, 2L), all.stream().map(Told::number).toList());
    }

    @Test
    public void theFileStaysBoundedAndItsOwnersAlone() throws IOException {
        EventLog log = new EventLog(file);
        for (int i = 0; i < 5 * EventLog.KEPT; i++) {
            tell(log);
        }
        assertTrue(Files.readAllLines(file).size() <= 2 * EventLog.KEPT);
        assertEquals(
                "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
        assertEquals(5 * EventLog.KEPT, new EventLog(file).last());
    }

    @Test
    public void withoutRoomForTheFileEventsAreStillTold() {
        EventLog log = new EventLog(Path.of("/dev/full/events.jsonl"));
        log.tell(OOM);
        assertEquals(
                OOM, log.read(0, Duration.ZERO, CallScope.unlimited()).events().getFirst().event());
    }

    @Test
    public void aReaderWaitsForTheNextEvent() throws Exception {
        EventLog log = new EventLog(file);
        long last = log.last();
        CompletableFuture<EventLog.Batch> reader =
                CompletableFuture.supplyAsync(() -> log.read(last, LONG, CallScope.unlimited()));
        tell(log);
        assertEquals(1, reader.get(10, TimeUnit.SECONDS).next());
    }

    @Test
    public void aReaderThatGivesUpIsLetGo() {
        EventLog log = new EventLog(file);
        CallScope call = CallScope.unlimited();
        CompletableFuture.runAsync(call::cancel);
        DriverException over = assertThrows(DriverException.class, () -> log.read(0, LONG, call));
        assertEquals(FailureKind.CANCELLED, over.failure());
    }

    @Test
    public void aReaderMayBeginInThePast() {
        EventLog log = new EventLog(file);
        tell(log);
        assertEquals(0, log.before(Instant.EPOCH));
        assertEquals(1, log.before(Instant.now().plusSeconds(60)));
    }

    @Test
    public void aNumberOfALogThatIsGoneCountsAsTheLast() {
        EventLog log = new EventLog(file);
        tell(log);
        EventLog.Batch batch = log.read(4711, Duration.ZERO, CallScope.unlimited());
        assertEquals(List.of(), batch.events());
        assertEquals(1, batch.next());
    }

    @Test
    public void aCauseIsBounded() {
        Event event = OOM.because("x".repeat(5000));
        assertEquals(Event.LONGEST_CAUSE, event.cause().length());
    }

    private static void tell(EventLog log) {
        log.tell(Event.of(Event.Subject.POD, "start"));
    }
}
