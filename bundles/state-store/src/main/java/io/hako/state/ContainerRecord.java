// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.UnaryOperator;

/**
 * A container as journalled.
 *
 * @param processes by exec id, the first one under the empty id; in the order of announcement
 */
public record ContainerRecord(
        Entry.Container facts, SequencedMap<String, ProcessRecord> processes) {
    public ContainerRecord {
        processes = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(processes));
    }

    static ContainerRecord of(Entry.Container facts) {
        return new ContainerRecord(facts, new LinkedHashMap<>());
    }

    public String id() {
        return facts.id();
    }

    public Optional<ProcessRecord> process(String exec) {
        return Optional.ofNullable(processes.get(exec));
    }

    ContainerRecord with(Entry.Process made) {
        ProcessRecord process = new ProcessRecord(made, ProcessPhase.PREPARED, Optional.empty());
        return new ContainerRecord(facts, SandboxRecord.put(processes, made.exec(), process));
    }

    /**
     * An ended process stays ended: its exit may be journalled before the start that it followed.
     */
    ContainerRecord with(Entry.Moved moved) {
        return changed(
                moved.exec(),
                p -> p.exit().isPresent() ? p : new ProcessRecord(p.facts(), moved.to(), p.exit()));
    }

    /** The first exit counts. */
    ContainerRecord with(Entry.Exited exited) {
        return changed(
                exited.exec(),
                p ->
                        p.exit().isPresent()
                                ? p
                                : new ProcessRecord(
                                        p.facts(), ProcessPhase.STOPPED, Optional.of(exited)));
    }

    ContainerRecord without(String exec) {
        return new ContainerRecord(facts, SandboxRecord.without(processes, exec));
    }

    /**
     * @param entries as of {@link #entries}
     */
    static ContainerRecord of(List<Entry> entries) {
        if (entries.isEmpty() || !(entries.getFirst() instanceof Entry.Container facts)) {
            throw new IllegalArgumentException("what was before has no container");
        }
        ContainerRecord record = of(facts);
        for (Entry entry : entries.subList(1, entries.size())) {
            record =
                    switch (entry) {
                        case Entry.Process made -> record.with(made);
                        case Entry.Moved moved -> record.with(moved);
                        case Entry.Exited exited -> record.with(exited);
                        default -> record;
                    };
        }
        return record;
    }

    List<Entry> entries() {
        List<Entry> all = new ArrayList<>();
        all.add(facts);
        processes.values().forEach(p -> all.addAll(p.entries()));
        return all;
    }

    private ContainerRecord changed(String exec, UnaryOperator<ProcessRecord> change) {
        Map<String, ProcessRecord> copy = new LinkedHashMap<>(processes);
        copy.computeIfPresent(exec, (id, process) -> change.apply(process));
        return new ContainerRecord(facts, new LinkedHashMap<>(copy));
    }
}
