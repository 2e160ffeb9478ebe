// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.DriverException;
import io.hako.api.types.OwnerId;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.StdioPaths;
import io.hako.sandbox.TaskEvent;
import io.hako.state.Entry;
import io.hako.state.Happening;
import io.hako.state.ProcessPhase;
import io.hako.state.ProcessRecord;
import io.hako.state.SandboxJournal;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Puts what one sandbox's journal says into the words of the Task API. An exit may be journalled
 * before the start that it followed, but is told after it. Not thread-safe: the journal calls it
 * under its lock.
 */
final class TaskEvents implements Consumer<Happening> {
    private final OwnerId sandbox;
    private final String instance;
    private final Consumer<TaskEvent> receiver;
    private final Set<ProcessId> held = new HashSet<>();

    /** Of a journal that is to be followed by this. */
    TaskEvents(SandboxJournal journal, Consumer<TaskEvent> receiver) {
        sandbox = journal.owner();
        instance = journal.record().identity().instance();
        this.receiver = receiver;
    }

    @Override
    public void accept(Happening happening) {
        switch (happening.entry()) {
            case Entry.Process added -> tell(happening, new TaskEvent.ExecAdded(added.exec()));
            case Entry.Moved moved -> moved(happening, moved);
            case Entry.Exited exited -> exited(happening, exited);
            case Entry.OutOfMemory shortage -> tell(happening, new TaskEvent.OutOfMemory());
            case Entry.Deleted gone -> deleted(happening, gone);
            default -> {} // nothing that the Task API has a word for
        }
    }

    /**
     * What happened up to this event was told on; a pod that is gone has nothing to tell, and one
     * that came after it by the same id has not told it.
     */
    static void told(Pod pod, TaskEvent event) {
        if (!pod.record().identity().instance().equals(event.instance())) {
            return;
        }
        try {
            pod.journal().append(new Entry.Told(event.number()));
        } catch (DriverException e) {
            if (!pod.isGone()) {
                throw e;
            }
        }
    }

    private void moved(Happening happening, Entry.Moved moved) {
        Optional<ProcessRecord> before = happening.before().process(moved.exec());
        boolean paused =
                before.filter(process -> process.phase() == ProcessPhase.PAUSED).isPresent();
        switch (moved.to()) {
            case CREATED -> before.ifPresent(process -> created(happening, process));
            case PAUSED -> tell(happening, new TaskEvent.Paused());
            case RUNNING -> {
                if (paused) {
                    tell(happening, new TaskEvent.Resumed());
                } else {
                    started(happening, moved.exec(), before);
                }
            }
            case PREPARED, STOPPED -> {} // not journalled as a move
        }
    }

    private void created(Happening happening, ProcessRecord process) {
        Entry.Process facts = process.facts();
        StdioPaths stdio =
                new StdioPaths(facts.terminal(), facts.stdin(), facts.stdout(), facts.stderr());
        Path bundle = Path.of(happening.before().facts().bundle());
        tell(happening, new TaskEvent.Created(bundle, stdio, happening.pid()));
    }

    private void started(Happening happening, String exec, Optional<ProcessRecord> before) {
        tell(
                happening,
                exec.isEmpty()
                        ? new TaskEvent.Started(happening.pid())
                        : new TaskEvent.ExecStarted(exec, happening.pid()));
        before.flatMap(ProcessRecord::exit).ifPresent(exit -> exit(happening, exit));
    }

    private void exited(Happening happening, Entry.Exited exited) {
        Optional<ProcessRecord> before = happening.before().process(exited.exec());
        boolean started =
                before.map(ProcessRecord::phase)
                        .filter(p -> p == ProcessPhase.RUNNING || p == ProcessPhase.PAUSED)
                        .isPresent();
        if (started) {
            exit(happening, exited);
        } else if (before.filter(process -> process.exit().isEmpty()).isPresent()) {
            held.add(new ProcessId(exited.container(), exited.exec()));
        }
    }

    private void exit(Happening happening, Entry.Exited exited) {
        held.remove(new ProcessId(exited.container(), exited.exec()));
        tell(happening, new TaskEvent.Exited(exited.exec(), exit(happening.pid(), exited)));
    }

    private void deleted(Happening happening, Entry.Deleted gone) {
        Optional<Entry.Exited> exit =
                happening.before().process(gone.exec()).flatMap(ProcessRecord::exit);
        // It was ended before it was started.
        exit.filter(e -> held.contains(new ProcessId(gone.container(), gone.exec())))
                .ifPresent(e -> exit(happening, e));
        // Of a further process the exit is the last that the Task API has a word for.
        if (gone.exec().isEmpty()) {
            ProcessExit how =
                    exit.map(e -> exit(happening.pid(), e))
                            .orElseGet(
                                    () -> new ProcessExit(happening.pid(), 0, Instant.now(), ""));
            tell(happening, new TaskEvent.Deleted(how));
        }
    }

    private static ProcessExit exit(int pid, Entry.Exited exited) {
        return new ProcessExit(pid, exited.status(), exited.at(), exited.reason());
    }

    private void tell(Happening happening, TaskEvent.What what) {
        receiver.accept(
                new TaskEvent(
                        sandbox,
                        instance,
                        happening.number(),
                        Instant.now(),
                        happening.before().id(),
                        what));
    }
}
