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
 * What a sandbox's journal says, replayed. Immutable; each entry makes a new one.
 *
 * @param plan what the machine is to be; absent before it is decided
 * @param effects begun and not undone, in the order of beginning
 * @param handles by slot, in the order of making
 * @param containers by id, in the order of making; a deleted one is absent
 * @param requests by key, oldest first; of the answered ones the newest {@link #ANSWERS_KEPT}
 * @param happenings those that were not told on
 */
public record SandboxRecord(
        Entry.Sandbox identity,
        Entry.Machine machine,
        Optional<Entry.Planned> plan,
        List<Effect> effects,
        SequencedMap<String, Entry.Handle> handles,
        SequencedMap<String, ContainerRecord> containers,
        List<Entry.Step> steps,
        SequencedMap<String, RequestRecord> requests,
        Happenings happenings) {
    /**
     * As many as the guest agent remembers. A shim re-sends only what it saw no answer to, so only
     * the newest matter.
     */
    public static final int ANSWERS_KEPT = 256;

    public SandboxRecord {
        effects = List.copyOf(effects);
        handles = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(handles));
        containers = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(containers));
        steps = List.copyOf(steps);
        requests = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(requests));
    }

    static SandboxRecord of(Entry.Sandbox identity) {
        return new SandboxRecord(
                identity,
                new Entry.Machine(MachinePhase.STARTING, 0, ""),
                Optional.empty(),
                List.of(),
                new LinkedHashMap<>(),
                new LinkedHashMap<>(),
                List.of(),
                new LinkedHashMap<>(),
                Happenings.NONE);
    }

    public Optional<ContainerRecord> container(String id) {
        return Optional.ofNullable(containers.get(id));
    }

    public List<Effect> effects(String slot) {
        return effects.stream().filter(effect -> effect.slot().equals(slot)).toList();
    }

    SandboxRecord with(Entry entry) {
        SandboxRecord next = changedBy(entry);
        return Happening.container(entry)
                .flatMap(this::container)
                .map(before -> happenings.with(before, machine.pid(), entry))
                .map(next::withHappenings)
                .orElse(next);
    }

    private SandboxRecord changedBy(Entry entry) {
        return switch (entry) {
            case Entry.Sandbox again -> this;
            case Entry.Begin begin -> withEffects(begun(begin));
            case Entry.Done done -> withEffects(made(done));
            case Entry.Undone undone ->
                    withEffects(
                            effects.stream()
                                    .filter(e -> !e.is(undone.slot(), undone.kind(), undone.name()))
                                    .toList());
            case Entry.Handle handle -> withHandles(put(handles, handle.slot(), handle));
            case Entry.HandleGone gone -> withHandles(without(handles, gone.slot()));
            case Entry.Step step -> withSteps(added(steps, step));
            case Entry.Machine now ->
                    new SandboxRecord(
                            identity,
                            now,
                            plan,
                            effects,
                            handles,
                            containers,
                            steps,
                            requests,
                            happenings);
            case Entry.Planned decided ->
                    new SandboxRecord(
                            identity,
                            machine,
                            Optional.of(decided),
                            effects,
                            handles,
                            containers,
                            steps,
                            requests,
                            happenings);
            case Entry.Container made ->
                    withContainers(put(containers, made.id(), ContainerRecord.of(made)));
            case Entry.Process made -> changed(made.container(), c -> c.with(made));
            case Entry.Moved moved -> changed(moved.container(), c -> c.with(moved));
            case Entry.Exited exited -> changed(exited.container(), c -> c.with(exited));
            case Entry.Deleted gone when gone.exec().isEmpty() ->
                    withContainers(without(containers, gone.container()));
            case Entry.Deleted gone -> changed(gone.container(), c -> c.without(gone.exec()));
            case Entry.OutOfMemory shortage -> this;
            case Entry.Told told -> withHappenings(happenings.told(told.number()));
            case Entry.Happened kept -> withHappenings(happenings.with(kept));
            case Entry.Request begun ->
                    withRequests(put(requests, begun.key(), RequestRecord.begun(begun)));
            case Entry.Answered answer -> withRequests(RequestRecord.answered(requests, answer));
        };
    }

    /** Of a journal of an older format: the same as this daemon writes it. */
    SandboxRecord inThisFormat() {
        Entry.Sandbox now =
                new Entry.Sandbox(
                        Entry.SCHEMA,
                        identity.namespace(),
                        identity.id(),
                        identity.bundle(),
                        identity.instance(),
                        identity.created());
        return new SandboxRecord(
                now, machine, plan, effects, handles, containers, steps, requests, happenings);
    }

    /** The shortest journal that replays to this record. */
    List<Entry> entries() {
        List<Entry> all = new ArrayList<>();
        all.add(identity);
        all.add(machine);
        plan.ifPresent(all::add);
        for (Effect e : effects) {
            all.add(new Entry.Begin(e.slot(), e.kind(), e.name(), e.detail()));
            if (e.done()) {
                all.add(new Entry.Done(e.slot(), e.kind(), e.name()));
            }
        }
        all.addAll(handles.values());
        all.addAll(steps);
        containers.values().forEach(c -> all.addAll(c.entries()));
        requests.forEach((key, request) -> all.addAll(request.entries(key)));
        all.addAll(happenings.entries());
        return all;
    }

    private List<Effect> begun(Entry.Begin b) {
        boolean there = effects.stream().anyMatch(e -> e.is(b.slot(), b.kind(), b.name()));
        return there
                ? effects
                : added(effects, new Effect(b.slot(), b.kind(), b.name(), b.detail(), false));
    }

    private List<Effect> made(Entry.Done d) {
        return effects.stream()
                .map(
                        e ->
                                e.is(d.slot(), d.kind(), d.name())
                                        ? new Effect(e.slot(), e.kind(), e.name(), e.detail(), true)
                                        : e)
                .toList();
    }

    private SandboxRecord changed(String container, UnaryOperator<ContainerRecord> change) {
        ContainerRecord old = containers.get(container);
        return old == null ? this : withContainers(put(containers, container, change.apply(old)));
    }

    private SandboxRecord withEffects(List<Effect> changed) {
        return new SandboxRecord(
                identity, machine, plan, changed, handles, containers, steps, requests, happenings);
    }

    private SandboxRecord withHandles(SequencedMap<String, Entry.Handle> changed) {
        return new SandboxRecord(
                identity, machine, plan, effects, changed, containers, steps, requests, happenings);
    }

    private SandboxRecord withContainers(SequencedMap<String, ContainerRecord> changed) {
        return new SandboxRecord(
                identity, machine, plan, effects, handles, changed, steps, requests, happenings);
    }

    private SandboxRecord withSteps(List<Entry.Step> changed) {
        return new SandboxRecord(
                identity,
                machine,
                plan,
                effects,
                handles,
                containers,
                changed,
                requests,
                happenings);
    }

    private SandboxRecord withRequests(SequencedMap<String, RequestRecord> changed) {
        return new SandboxRecord(
                identity, machine, plan, effects, handles, containers, steps, changed, happenings);
    }

    private SandboxRecord withHappenings(Happenings changed) {
        return new SandboxRecord(
                identity, machine, plan, effects, handles, containers, steps, requests, changed);
    }

    static <V> SequencedMap<String, V> put(Map<String, V> map, String key, V value) {
        SequencedMap<String, V> copy = new LinkedHashMap<>(map);
        copy.put(key, value);
        return copy;
    }

    static <V> SequencedMap<String, V> without(Map<String, V> map, String key) {
        SequencedMap<String, V> copy = new LinkedHashMap<>(map);
        copy.remove(key);
        return copy;
    }

    private static <V> List<V> added(List<V> list, V value) {
        List<V> copy = new ArrayList<>(list);
        copy.add(value);
        return copy;
    }
}
