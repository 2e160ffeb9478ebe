// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static io.hako.sandbox.pod.Bench.call;
import static io.hako.sandbox.pod.Bench.eventually;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.observability.Event;
import io.hako.observability.Told;
import io.hako.sandbox.DebugSession;
import io.hako.sandbox.DebugTask;
import io.hako.sandbox.StdioPaths;
import io.hako.ttrpc.CallScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** An operator's program in a guest. */
public class DebugShellTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;
    private Bench.Run hakod;
    private Path program;

    @Before
    public void start() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
        program = Files.writeString(bench.root.resolve("busybox"), "12345");
        Files.writeString(
                bench.root.resolve("hako.toml"),
                "[debug]\nprogram = \"%s\"\n".formatted(program),
                StandardOpenOption.APPEND);
        hakod = bench.start();
        hakod.run("web");
    }

    @Test
    public void itEndsByItselfAndLeavesNothing() throws Exception {
        DebugSession session = open();
        assertTrue(bench.outside.agent().log().contains("debug s1 5"));
        CompletableFuture<Integer> exit =
                CompletableFuture.supplyAsync(() -> session.await(call()));
        bench.outside.agent().end("", "s1", 7);
        assertEquals(7, (int) exit.get(5, TimeUnit.SECONDS));
        assertGone();
        assertEquals("It ended with status 7.", event("debug-end").cause());
    }

    @Test
    public void whoeverAskedIsTold() {
        open();
        assertEquals("ann", event("debug-start").details().get("user"));
        assertEquals("sh", event("debug-start").details().get("command"));
        assertEquals(Event.Subject.OPERATOR, event("debug-start").subject());
    }

    @Test
    public void itEndsWithItsOperator() {
        DebugSession session = open();
        CallScope operator = CallScope.unlimited();
        CompletableFuture.runAsync(operator::cancel);
        assertThrows(DriverException.class, () -> session.await(operator));
        assertTrue(bench.outside.agent().log().contains("signal  9"));
        assertGone();
    }

    @Test
    public void itEndsWithItsDaemon() {
        open();
        hakod.kill();
        hakod = bench.start();
        eventually("it is ended", () -> bench.outside.agent().log().contains("delete /s1"));
    }

    @Test
    public void itEndsWithItsMachine() throws Exception {
        DebugSession session = open();
        CompletableFuture<Integer> exit =
                CompletableFuture.supplyAsync(() -> session.await(call()));
        bench.outside.agent().end("web", "", 0);
        assertThrows(Exception.class, () -> exit.get(5, TimeUnit.SECONDS));
        eventually(
                "it is told",
                () -> events().stream().anyMatch(e -> e.action().equals("debug-end")));
    }

    @Test
    public void withoutTheProgramItSaysWhatToInstall() throws IOException {
        Files.delete(program);
        DriverException refused = assertThrows(DriverException.class, this::open);
        assertEquals(FailureKind.FAILED_PRECONDITION, refused.failure());
        assertEquals(
                "The debug program %s cannot be read: install a static busybox (Debian: busybox-static), or name one by [debug] program."
                        .formatted(program),
                refused.getMessage());
    }

    @Test
    public void nothingOfItIsJournalled() throws IOException {
        String before = Files.readString(bench.journal());
        open();
        assertEquals(before, Files.readString(bench.journal()));
    }

    private DebugSession open() {
        return hakod.service.debug(
                new DebugTask(
                        "web",
                        "s1",
                        "ann",
                        List.of("sh"),
                        List.of(),
                        new StdioPaths(true, "/f/in", "/f/out", ""),
                        24,
                        80),
                call());
    }

    private void assertGone() {
        assertTrue(bench.outside.agent().log().contains("delete /s1"));
        assertFalse(
                bench.outside.left().toString(), bench.outside.left().toString().contains("s1"));
    }

    private List<Event> events() {
        return hakod.events.read(0, Duration.ZERO, call()).events().stream()
                .map(Told::event)
                .toList();
    }

    private Event event(String action) {
        return events().stream().filter(e -> e.action().equals(action)).findFirst().orElseThrow();
    }
}
