// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Names;
import io.hako.guest.Guest;
import io.hako.guest.GuestExit;
import io.hako.guest.GuestProcessId;
import io.hako.guest.GuestStdio;
import io.hako.host.shim.StdioId;
import io.hako.observability.Event;
import io.hako.sandbox.DebugSession;
import io.hako.sandbox.DebugTask;
import io.hako.sandbox.ProcessId;
import io.hako.state.Entry;
import io.hako.ttrpc.CallScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@link DebugSession}: known to the guest, the shim and this daemon; no journal has it. */
final class DebugShell implements DebugSession {
    private static final Logger LOG = LoggerFactory.getLogger(DebugShell.class);

    /** With the rest of its message it has to fit into a frame of ttrpc, 4 MiB. */
    private static final long LARGEST_PROGRAM = 3L << 20;

    private static final int LONGEST_NAME = 63;
    private static final int SIGKILL = 9;
    private static final Duration AWAITED_WITHIN = Duration.ofSeconds(10);
    private static final Duration END_LIMIT = Duration.ofSeconds(10);

    private final Pod pod;
    private final DebugTask task;
    private final GuestProcessId id;
    private final long begun = System.nanoTime();
    private final AtomicBoolean ended = new AtomicBoolean();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition claimed = lock.newCondition();
    private boolean awaited;

    private DebugShell(Pod pod, DebugTask task) {
        this.pod = pod;
        this.task = task;
        id = GuestProcessId.ofGuest(task.session());
    }

    static DebugShell start(Pod pod, DebugTask task, Call call) {
        Names.name("The name of a debug session", task.session(), LONGEST_NAME);
        pod.requireRunning("started");
        DebugShell shell = new DebugShell(pod, task);
        shell.begin(program(pod.node().settings().debug().program()), call);
        return shell;
    }

    private static byte[] program(Path file) {
        try {
            long size = Files.size(file);
            if (size > LARGEST_PROGRAM) {
                throw new DriverException(
                        FailureKind.FAILED_PRECONDITION,
                        "The debug program %s has %d bytes, and %d are the most that are sent to a guest: name a smaller one by [debug] program."
                                .formatted(file, size, LARGEST_PROGRAM));
            }
            return Files.readAllBytes(file);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "The debug program %s cannot be read: install a static busybox (Debian: busybox-static), or name one by [debug] program."
                            .formatted(file),
                    e);
        }
    }

    private void begin(byte[] program, Call call) {
        Entry.Process streams =
                Stdio.announced(
                        new ProcessId(id.container(), id.exec()),
                        task.stdio(),
                        "",
                        new SecureRandom());
        GuestStdio stdio = Stdio.tokens(streams, task.rows(), task.columns());
        String key = GuestLink.anew("debug " + id.exec());
        LOG.info("{} runs {} in the guest of {}.", task.user(), task.arguments(), pod.owner());
        pod.guest()
                .ask(
                        call,
                        (guest, within) ->
                                guest.debug(
                                        key,
                                        id.exec(),
                                        program,
                                        task.arguments(),
                                        task.environment(),
                                        stdio,
                                        within));
        pod.events().tell(event("debug-start"));
        try {
            pod.shim(call).joinStdio(Stdio.join(pod, streams), call);
        } catch (DriverException e) {
            end(e.getMessage());
            throw e;
        }
        Thread.ofVirtual().name("debug " + id.exec()).start(this::endUnlessAwaited);
    }

    private void endUnlessAwaited() {
        lock.lock();
        try {
            if (CallScope.await(CallScope.within(AWAITED_WITHIN), lock, claimed, () -> awaited)) {
                return;
            }
        } finally {
            lock.unlock();
        }
        end("Nobody has waited for it.");
    }

    @Override
    public int await(Call call) {
        claim();
        Call both = Bounded.both(call, pod.life());
        try {
            GuestExit exit = pod.guest().ask(both, (guest, within) -> guest.await(id, within));
            pod.shim(both).drainStdio(stdio(), pod.node().settings().logs().drainLimit(), both);
            end("It ended with status %d.".formatted(exit.status()));
            return exit.status();
        } catch (DriverException e) {
            end(e.getMessage());
            throw e;
        }
    }

    private void claim() {
        lock.lock();
        try {
            awaited = true;
            claimed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    @Override
    public boolean isOver() {
        return ended.get();
    }

    @Override
    public void resize(int rows, int columns, Call call) {
        pod.guest().tell(call, (guest, within) -> guest.resizeTerminal(id, rows, columns, within));
    }

    @Override
    public void closeInput(Call call) {
        pod.shim(call).closeStdin(stdio(), call);
    }

    @Override
    public void signal(int signal, Call call) {
        String key = GuestLink.anew("debug " + id.exec());
        pod.guest().tell(call, (guest, within) -> guest.signal(key, id, signal, false, within));
    }

    /** Once: with its end goes whatever it has started. */
    private void end(String why) {
        if (ended.compareAndSet(false, true)) {
            Call call = Bounded.both(CallScope.within(END_LIMIT), pod.life());
            takeAway(pod, id, call);
            LOG.info(
                    "The session of {} in the guest of {} is over: {}",
                    task.user(),
                    pod.owner(),
                    why);
            Duration took = Duration.ofNanos(System.nanoTime() - begun);
            pod.events().tell(event("debug-end").because(why).took(took));
        }
    }

    /** Those that an earlier daemon's operators had: nobody waits for them any more. */
    static void endAll(Pod pod, Collection<GuestProcessId> left) {
        for (GuestProcessId id : left) {
            LOG.info(
                    "Sandbox {}: the debug session {} ended with its daemon.",
                    pod.owner(),
                    id.exec());
            Call call = Bounded.both(CallScope.within(END_LIMIT), pod.life());
            Thread.ofVirtual().name("debug " + id.exec()).start(() -> takeAway(pod, id, call));
        }
    }

    private static void takeAway(Pod pod, GuestProcessId id, Call call) {
        String key = GuestLink.anew("debug " + id.exec());
        try {
            pod.guest()
                    .tell(
                            call,
                            (guest, within) -> {
                                kill(key, id, guest, within);
                                guest.await(id, within);
                                guest.delete(key, id, within);
                            });
        } catch (DriverException e) { // its machine has ended, or the next daemon ends it
            LOG.debug("Sandbox {}: {}", pod.owner(), e.getMessage());
        }
        try {
            pod.shim(call).leaveStdio(new StdioId(id.container(), id.exec()), call);
        } catch (DriverException e) { // with the shim its streams are gone
            LOG.debug("Sandbox {}: {}", pod.owner(), e.getMessage());
        }
    }

    private static void kill(String key, GuestProcessId id, Guest guest, Call within) {
        try {
            guest.signal(key, id, SIGKILL, false, within);
        } catch (DriverException e) {
            if (e.failure() != FailureKind.NOT_FOUND) { // it has ended already
                throw e;
            }
        }
    }

    private StdioId stdio() {
        return new StdioId(id.container(), id.exec());
    }

    private Event event(String action) {
        return Event.of(Event.Subject.OPERATOR, action)
                .at("", id.exec())
                .with("user", task.user())
                .with("command", String.join(" ", task.arguments()));
    }
}
