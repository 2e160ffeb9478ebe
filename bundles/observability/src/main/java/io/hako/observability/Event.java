// SPDX-License-Identifier: Apache-2.0
package io.hako.observability;

import io.hako.api.types.OwnerId;
import java.time.Duration;
import java.util.Collections;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Something that happened. Immutable.
 *
 * @param subject what it happened to
 * @param action what happened, one lower-case word of the subject's: "start", "die", "swap"
 * @param sandbox the pod it is about
 * @param container of that pod; empty if it is about none
 * @param process exec id; empty for a container's first process
 * @param cause why, one sentence of at most {@value #LONGEST_CAUSE} characters; empty where that is
 *     no question
 * @param took how long it took, or how late it was noticed: the action says which
 * @param details more, for programs, by names in lower case with underscores
 */
public record Event(
        Subject subject,
        String action,
        Optional<OwnerId> sandbox,
        String container,
        String process,
        String cause,
        Optional<Duration> took,
        SortedMap<String, String> details) {
    static final int LONGEST_CAUSE = 1000;

    public Event {
        cause = cause.length() <= LONGEST_CAUSE ? cause : cause.substring(0, LONGEST_CAUSE);
        details = Collections.unmodifiableSortedMap(new TreeMap<>(details));
    }

    /** What an event is about; its word, in lower case, is what {@code --filter type=} takes. */
    public enum Subject {
        /** The daemon: start, ready. */
        DAEMON,
        /** start, start-failed, adopt, quarantine, stop, remove-retry, remove. */
        POD,
        /** A pod's virtual machine: die (told how late after its end). */
        MACHINE,
        /** create, create-failed, start, pause, resume, oom, exit, delete. */
        CONTAINER,
        /** A further process of a container: create, start, exit. */
        EXEC,
        /** swap, swap-failed, and what drivers report by names of their own. */
        DRIVER,
        /** What an operator did to a running pod: debug-start, debug-end. */
        OPERATOR;

        /** As people read and write it. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Something that happened to no pod in particular. */
    public static Event of(Subject subject, String action) {
        return new Event(
                subject, action, Optional.empty(), "", "", "", Optional.empty(), new TreeMap<>());
    }

    public Event in(OwnerId pod) {
        return new Event(
                subject, action, Optional.of(pod), container, process, cause, took, details);
    }

    /**
     * @param exec empty: the container's first process
     */
    public Event at(String ofContainer, String exec) {
        return new Event(subject, action, sandbox, ofContainer, exec, cause, took, details);
    }

    public Event because(String why) {
        return new Event(subject, action, sandbox, container, process, why, took, details);
    }

    public Event took(Duration time) {
        return new Event(
                subject, action, sandbox, container, process, cause, Optional.of(time), details);
    }

    /** With one more detail. */
    public Event with(String name, Object value) {
        TreeMap<String, String> more = new TreeMap<>(details);
        more.put(name, String.valueOf(value));
        return new Event(subject, action, sandbox, container, process, cause, took, more);
    }

    public Event with(Map<String, String> all) {
        Event event = this;
        for (Map.Entry<String, String> each : all.entrySet()) {
            event = event.with(each.getKey(), each.getValue());
        }
        return event;
    }
}
