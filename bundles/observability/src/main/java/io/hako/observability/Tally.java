// SPDX-License-Identifier: Apache-2.0
package io.hako.observability;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How often each kind of event was told, and how long it took, since this daemon began. Not
 * thread-safe.
 */
final class Tally {
    /** Drivers name events of their own: what is beyond is counted together. */
    static final int MOST_KINDS = 128;

    private static final String OTHER = "other";

    private final Map<Kind, Durations> kinds = new LinkedHashMap<>();

    /** A kind of event. */
    record Kind(String type, String event) {}

    void add(Event event) {
        Kind kind = new Kind(event.subject().word(), event.action());
        boolean known = kinds.containsKey(kind) || kinds.size() < MOST_KINDS;
        Kind counted = known ? kind : new Kind(kind.type(), OTHER);
        kinds.merge(counted, Durations.NONE.with(event.took()), Durations::plus);
    }

    Map<Kind, Durations> kinds() {
        return new LinkedHashMap<>(kinds);
    }
}
