// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;

/** A journalled request; without an answer it was begun, by this daemon or one before it. */
public record RequestRecord(String verb, Optional<Entry.Answered> answer) {
    static RequestRecord begun(Entry.Request request) {
        return new RequestRecord(request.verb(), Optional.empty());
    }

    static SequencedMap<String, RequestRecord> answered(
            SequencedMap<String, RequestRecord> all, Entry.Answered answer) {
        SequencedMap<String, RequestRecord> copy = new LinkedHashMap<>(all);
        RequestRecord begun = copy.remove(answer.key());
        if (begun == null) {
            return all;
        }
        copy.put(answer.key(), new RequestRecord(begun.verb(), Optional.of(answer)));
        List<String> answered =
                copy.entrySet().stream()
                        .filter(e -> e.getValue().answer().isPresent())
                        .map(e -> e.getKey())
                        .toList();
        answered.subList(0, Math.max(0, answered.size() - SandboxRecord.ANSWERS_KEPT))
                .forEach(copy::remove);
        return copy;
    }

    List<Entry> entries(String key) {
        List<Entry> all = new ArrayList<>();
        all.add(new Entry.Request(key, verb));
        answer.ifPresent(all::add);
        return all;
    }
}
