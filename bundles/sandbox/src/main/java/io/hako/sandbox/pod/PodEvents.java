// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.observability.Event;
import io.hako.observability.EventLog;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.TaskEvent;
import io.hako.state.SandboxJournal;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Says what happens to one pod, in the words of the node's events. Thread-safe. */
final class PodEvents {
    private final SandboxJournal journal;
    private final EventLog log;
    private volatile Optional<String> name = Optional.empty();

    PodEvents(SandboxJournal journal, EventLog log) {
        this.journal = journal;
        this.log = log;
    }

    /** Something happened to the pod as a whole. */
    void tell(String action, UnaryOperator<Event> more) {
        tell(more.apply(Event.of(Event.Subject.POD, action)));
    }

    /** Its machine ended other than by request. */
    void died(String cause, UnaryOperator<Event> more) {
        machine("die", event -> more.apply(event.because(cause)));
    }

    /** Something happened to its machine. */
    void machine(String action, UnaryOperator<Event> more) {
        tell(more.apply(Event.of(Event.Subject.MACHINE, action)));
    }

    void tell(TaskEvent told) {
        tell(event(told));
    }

    void tell(Event event) {
        Event placed = event.in(journal.owner());
        log.tell(podsName().map(word -> placed.with("name", word)).orElse(placed));
    }

    /** Remembered, since the containers that have it are deleted before the pod. */
    private Optional<String> podsName() {
        journal.record().containers().values().stream()
                .findFirst()
                .map(container -> container.facts().name())
                .filter(first -> !first.isEmpty())
                .ifPresent(first -> name = Optional.of(first));
        return name;
    }

    private static Event event(TaskEvent told) {
        String container = told.container();
        return switch (told.what()) {
            case TaskEvent.Created created -> of(container, "", "create");
            case TaskEvent.Started started -> of(container, "", "start");
            case TaskEvent.ExecAdded added -> of(container, added.exec(), "create");
            case TaskEvent.ExecStarted started -> of(container, started.exec(), "start");
            case TaskEvent.Paused paused -> of(container, "", "pause");
            case TaskEvent.Resumed resumed -> of(container, "", "resume");
            case TaskEvent.OutOfMemory shortage ->
                    of(container, "", "oom").because("The container reached its limit of memory.");
            case TaskEvent.Exited exited ->
                    exited(of(container, exited.exec(), "exit"), exited.exit());
            case TaskEvent.Deleted deleted -> of(container, "", "delete");
        };
    }

    private static Event of(String container, String exec, String action) {
        Event.Subject subject = exec.isEmpty() ? Event.Subject.CONTAINER : Event.Subject.EXEC;
        return Event.of(subject, action).at(container, exec);
    }

    private static Event exited(Event event, ProcessExit exit) {
        return event.because(exit.reason()).with("exit_status", exit.status());
    }
}
