// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.DriverException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Where settings get their values, in order: the last source that has a key decides, and what none
 * has is the default. Never empty.
 */
record Sources(List<Source> all) {
    Sources {
        all = List.copyOf(all);
    }

    static Sources of(Source first) {
        return new Sources(List.of(first));
    }

    Sources with(Source last) {
        return new Sources(Stream.concat(all.stream(), Stream.of(last)).toList());
    }

    Map<String, Object> values(String table) {
        Map<String, Object> values = new LinkedHashMap<>();
        all.forEach(source -> values.putAll(source.tables().of(table)));
        return values;
    }

    /**
     * @throws DriverException INVALID_REQUEST for an unknown key, with the nearest known one, or a
     *     value that does not fit
     */
    <T extends Record> T bind(String table, Class<T> type) {
        return RecordBinder.bind(type, Tables.full(all.getLast().within(), table), values(table));
    }

    /**
     * Where each value came from, in the order of the keys.
     *
     * @param values of the table, all of them
     */
    List<Origin> origins(String table, Map<String, ?> values) {
        return values.entrySet().stream()
                .map(entry -> origin(table, entry.getKey(), entry.getValue()))
                .toList();
    }

    private Origin origin(String table, String key, Object value) {
        String name = table + "." + key;
        String from =
                all.reversed().stream()
                        .filter(source -> source.tables().of(table).containsKey(key))
                        .findFirst()
                        .map(source -> source.origin().apply(name))
                        .orElse("default");
        return new Origin(name, value.toString(), from);
    }
}
