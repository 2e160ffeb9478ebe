// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import com.electronwill.nightconfig.core.UnmodifiableConfig;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * Keys and values by the full name of their table, such as {@code guest} or {@code
 * hypervisor.qemu}: of a settings file, of one of its profiles, or of a pod's annotations.
 */
record Tables(Map<String, Map<String, Object>> byName) {
    Tables {
        byName = Map.copyOf(byName);
    }

    /**
     * @param within name of the table that the tables are in, for sentences; empty for the file
     * @param known names of the tables that there may be besides those of drivers
     * @throws DriverException INVALID_REQUEST for one that there may not be, with the nearest name
     */
    static Tables read(String within, Map<String, Object> document, Set<String> known) {
        Map<String, Map<String, Object>> all = new LinkedHashMap<>();
        document.forEach(
                (name, value) -> {
                    if (known.contains(name)) {
                        all.put(name, values(full(within, name), value));
                    } else {
                        all.putAll(drivers(within, kind(within, name, known), value));
                    }
                });
        return new Tables(all);
    }

    Map<String, Object> of(String table) {
        return byName.getOrDefault(table, Map.of());
    }

    /** The drivers that there are tables for. */
    Set<DriverId> drivers() {
        Set<DriverId> all = new LinkedHashSet<>();
        byName.keySet().forEach(table -> driver(table).ifPresent(all::add));
        return all;
    }

    /** Name of a driver's table. */
    static String of(DriverId driver) {
        return driver.kind().word() + "." + driver.name();
    }

    /** The driver whose table has this name. */
    static Optional<DriverId> driver(String table) {
        int dot = table.indexOf('.');
        return kind(table.substring(0, Math.max(0, dot)))
                .map(kind -> new DriverId(kind, table.substring(dot + 1)));
    }

    /**
     * @param name full name of the table, for sentences
     * @throws DriverException INVALID_REQUEST if the value is no table
     */
    static Map<String, Object> values(String name, Object value) {
        if (!(value instanceof UnmodifiableConfig config)) {
            throw DriverException.invalid(
                    "%s is a table: write [%s] on a line of its own and its keys below."
                            .formatted(name, name));
        }
        Map<String, Object> values = new LinkedHashMap<>();
        config.entrySet().forEach(entry -> values.put(entry.getKey(), entry.getValue()));
        return values;
    }

    static String full(String within, String name) {
        return within.isEmpty() ? name : within + "." + name;
    }

    private static Map<String, Map<String, Object>> drivers(
            String within, DriverKind kind, Object value) {
        Map<String, Map<String, Object>> all = new LinkedHashMap<>();
        values(full(within, kind.word()), value)
                .forEach(
                        (name, keys) -> {
                            String table = of(new DriverId(kind, name));
                            all.put(table, values(full(within, table), keys));
                        });
        return all;
    }

    private static Optional<DriverKind> kind(String word) {
        return Arrays.stream(DriverKind.values())
                .filter(kind -> kind.word().equals(word))
                .findFirst();
    }

    private static DriverKind kind(String within, String name, Set<String> known) {
        return kind(name)
                .orElseThrow(
                        () -> {
                            Set<String> all = new TreeSet<>(known);
                            for (DriverKind kind : DriverKind.values()) {
                                all.add(kind.word());
                            }
                            return DriverException.invalid(
                                    "The table [%s] is not known: %s"
                                            .formatted(full(within, name), Words.hint(name, all)));
                        });
    }
}
