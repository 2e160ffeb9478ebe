// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.sandbox.RequestKey;
import io.hako.state.Entry;
import io.hako.state.RequestRecord;
import io.hako.state.SandboxJournal;
import io.hako.ttrpc.CallScope;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Does what a request asks for once, however often it comes. Journalled before the work, and with
 * its answer after; a repeat is answered from there, or waits for the one that is at work. What a
 * cut-off daemon began is worked on again, and told so.
 */
final class Requests {
    private final SandboxJournal journal;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ended = lock.newCondition();
    private final Set<String> atWork = new HashSet<>();

    Requests(SandboxJournal journal) {
        this.journal = journal;
    }

    /** What a request asks for. */
    interface Work<A> {
        /**
         * @param again an earlier daemon began this and was cut off: parts of it may be done
         */
        A run(boolean again);
    }

    <A> A once(RequestKey key, String verb, Answer<A> type, Call call, Work<A> work) {
        return once(key, verb, type, call, work, answer -> {});
    }

    /**
     * @param after done once the answer is journalled: from here on a repeat no longer needs what
     *     this takes away
     */
    <A> A once(
            RequestKey key,
            String verb,
            Answer<A> type,
            Call call,
            Work<A> work,
            Consumer<A> after) {
        String id = key.text();
        enter(id, call);
        try {
            Optional<RequestRecord> known =
                    Optional.ofNullable(journal.record().requests().get(id));
            Optional<Entry.Answered> answered = known.flatMap(RequestRecord::answer);
            if (answered.isPresent()) {
                return repeat(type, answered.get());
            }
            if (known.isEmpty()) {
                journal.append(new Entry.Request(id, verb));
            }
            A answer = answer(id, () -> work.run(known.isPresent()));
            journal.append(new Entry.Answered(id, "", type.written().apply(answer)));
            after.accept(answer);
            return answer;
        } finally {
            leave(id);
        }
    }

    private interface Attempt<A> {
        A run();
    }

    private <A> A answer(String id, Attempt<A> attempt) {
        try {
            return attempt.run();
        } catch (DriverException e) {
            failed(id, e);
            throw e;
        }
    }

    private void failed(String id, DriverException failure) {
        try {
            journal.append(new Entry.Answered(id, failure.failure().name(), failure.getMessage()));
        } catch (DriverException unwritable) {
            // The sandbox is gone, or the next repeat is worked on anew: neither makes the answer
            // wrong.
            failure.addSuppressed(unwritable);
        }
    }

    private static <A> A repeat(Answer<A> type, Entry.Answered answered) {
        if (answered.failure().isEmpty()) {
            return type.read().apply(answered.body());
        }
        throw new DriverException(FailureKind.valueOf(answered.failure()), answered.body());
    }

    private void enter(String id, Call call) {
        lock.lock();
        try {
            if (!CallScope.await(call, lock, ended, () -> !atWork.contains(id))) {
                throw new DriverException(
                        FailureKind.DEADLINE_EXCEEDED, "The same request is at work still.");
            }
            atWork.add(id);
        } finally {
            lock.unlock();
        }
    }

    private void leave(String id) {
        lock.lock();
        try {
            atWork.remove(id);
            ended.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
