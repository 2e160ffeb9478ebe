// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import java.util.List;
import java.util.stream.Stream;

/**
 * What happened to a sandbox's processes and has not been told on.
 *
 * @param last number of the newest one, told or not
 * @param untold oldest first; the newest {@link #KEPT}
 */
public record Happenings(long last, List<Happening> untold) {
    /** More than the daemon tells between two of its instructions; what is older is lost. */
    static final int KEPT = 64;

    static final Happenings NONE = new Happenings(0, List.of());

    public Happenings {
        untold = List.copyOf(untold);
    }

    Happenings with(ContainerRecord before, int pid, Entry entry) {
        Happening next = new Happening(last + 1, before, pid, entry);
        long tooOld = next.number() - KEPT;
        return new Happenings(
                next.number(),
                Stream.concat(untold.stream().filter(h -> h.number() > tooOld), Stream.of(next))
                        .toList());
    }

    /** One of before the journal was written anew. */
    Happenings with(Entry.Happened kept) {
        Happening again =
                new Happening(
                        kept.number(), ContainerRecord.of(kept.before()), kept.pid(), kept.entry());
        return new Happenings(
                Math.max(last, kept.number()),
                Stream.concat(untold.stream(), Stream.of(again)).toList());
    }

    /** What a journal that is written anew needs to have these again. */
    List<Entry> entries() {
        // First what the replay of the other entries brings is passed over.
        Stream<Entry> told = last > 0 ? Stream.of(new Entry.Told(last)) : Stream.empty();
        Stream<Entry> kept =
                untold.stream()
                        .map(
                                h ->
                                        new Entry.Happened(
                                                h.number(),
                                                h.pid(),
                                                h.before().entries(),
                                                h.entry()));
        return Stream.concat(told, kept).toList();
    }

    Happenings told(long number) {
        return new Happenings(
                Math.max(last, number), untold.stream().filter(h -> h.number() > number).toList());
    }
}
