// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.ProcessId;
import io.hako.state.Entry;
import io.hako.state.ProcessRecord;
import io.hako.state.SandboxJournal;
import io.hako.ttrpc.CallScope;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How the processes of a pod ended, and who waits for it. The first exit that is recorded counts:
 * the process's own, or the machine's end. Never waits for any other lock.
 */
final class Exits {
    private final SandboxJournal journal;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<ProcessId, Ending> endings = new HashMap<>();

    Exits(SandboxJournal journal) {
        this.journal = journal;
    }

    /**
     * Kept by whoever waits, so that an exit is heard even if the process is forgotten right after.
     */
    private static final class Ending {
        private Optional<Entry.Exited> exit = Optional.empty();
        private boolean forgotten;
    }

    /** Empty if it lives or is not known. */
    Optional<ProcessExit> ended(ProcessId id) {
        return find(id).flatMap(ProcessRecord::exit).map(this::answer);
    }

    /**
     * Waits for a process to end.
     *
     * @throws DriverException NOT_FOUND if there is no such process, or it is forgotten without
     *     having run
     */
    ProcessExit await(ProcessId id, Call call) {
        lock.lock();
        try {
            Ending ending = endings.computeIfAbsent(id, key -> known(key));
            if (!CallScope.await(
                    call, lock, changed, () -> ending.exit.isPresent() || ending.forgotten)) {
                throw new DriverException(
                        FailureKind.DEADLINE_EXCEEDED,
                        "Process %s did not end in time.".formatted(id));
            }
            return ending.exit.map(this::answer).orElseThrow(() -> unknown(id));
        } finally {
            lock.unlock();
        }
    }

    /**
     * Journals an exit and wakes those who wait for it; does nothing if the process has ended
     * already or is unknown.
     */
    void record(ProcessId id, int status, Instant at, String reason) {
        lock.lock();
        try {
            if (!live(id)) {
                return;
            }
            Entry.Exited exit = new Entry.Exited(id.container(), id.exec(), status, at, reason);
            journal.append(exit);
            endings.computeIfAbsent(id, key -> new Ending()).exit = Optional.of(exit);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** The process is deleted. */
    void forget(ProcessId id) {
        lock.lock();
        try {
            Optional.ofNullable(endings.remove(id)).ifPresent(ending -> ending.forgotten = true);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    ProcessExit answer(Entry.Exited exit) {
        return new ProcessExit(
                journal.record().machine().pid(), exit.status(), exit.at(), exit.reason());
    }

    private boolean live(ProcessId id) {
        return find(id).filter(process -> process.exit().isEmpty()).isPresent();
    }

    private Ending known(ProcessId id) {
        Ending ending = new Ending();
        ending.exit = find(id).orElseThrow(() -> unknown(id)).exit();
        return ending;
    }

    private Optional<ProcessRecord> find(ProcessId id) {
        return journal.record()
                .container(id.container())
                .flatMap(container -> container.process(id.exec()));
    }

    private static DriverException unknown(ProcessId id) {
        return new DriverException(FailureKind.NOT_FOUND, "There is no process %s.".formatted(id));
    }
}
