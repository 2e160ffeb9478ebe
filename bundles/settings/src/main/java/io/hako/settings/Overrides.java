// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.DriverException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What annotations of a pod say of settings: {@code io.hako.config.TABLE.KEY}. */
final class Overrides {
    static final String PREFIX = "io.hako.config.";

    /** The tables that are about single pods. */
    private static final Map<String, Class<? extends Record>> TABLES =
            new TreeMap<>(Map.of("drivers", DriverChoice.class, "guest", GuestSettings.class));

    private Overrides() {}

    /**
     * @throws DriverException INVALID_REQUEST if the operator allows a setting that there is not
     */
    static void check(AnnotationSettings annotations) {
        for (String name : annotations.allowed()) {
            if (!types().containsKey(name)) {
                throw DriverException.invalid(
                        "The setting annotations.allowed names \"%s\", which no pod can have of its own: %s"
                                .formatted(name, Words.hint(name, types().keySet())));
            }
        }
    }

    /**
     * Keys and values of one table, as its file would give them.
     *
     * @throws DriverException INVALID_REQUEST for an unknown setting, with the nearest known one,
     *     or for one that the operator does not allow
     */
    static Map<String, Object> of(
            String table, Map<String, String> annotations, AnnotationSettings operator) {
        Map<String, Object> values = new LinkedHashMap<>();
        new TreeMap<>(annotations)
                .forEach(
                        (annotation, text) -> {
                            if (annotation.startsWith(PREFIX)) {
                                String name = annotation.substring(PREFIX.length());
                                Class<?> type = allowed(annotation, name, operator);
                                if (name.startsWith(table + ".")) {
                                    values.put(
                                            name.substring(table.length() + 1),
                                            value(annotation, text, type));
                                }
                            }
                        });
        return values;
    }

    private static Class<?> allowed(String annotation, String name, AnnotationSettings operator) {
        Class<?> type = types().get(name);
        if (type == null) {
            throw DriverException.invalid(
                    "The annotation %s is not known: %s"
                            .formatted(annotation, Words.hint(name, types().keySet())));
        }
        if (!operator.allowed().contains(name)) {
            throw DriverException.invalid(
                    "The annotation %s is not allowed here: this node's operator allows %s."
                            .formatted(
                                    annotation,
                                    operator.allowed().isEmpty()
                                            ? "none"
                                            : String.join(", ", operator.allowed())));
        }
        return type;
    }

    /** An annotation is always a text; words of a list are parted by commas. */
    private static Object value(String annotation, String text, Class<?> type) {
        if (type == List.class) {
            return Arrays.stream(text.split(",")).map(String::strip).toList();
        }
        if (!Values.isNumber(type)) {
            return text;
        }
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw DriverException.invalid(
                    "The annotation %s is a whole number, but is \"%s\"."
                            .formatted(annotation, text));
        }
    }

    /** By full names. */
    private static Map<String, Class<?>> types() {
        Map<String, Class<?>> all = new TreeMap<>();
        TABLES.forEach(
                (table, record) -> {
                    for (RecordComponent component : record.getRecordComponents()) {
                        all.put(
                                table + "." + Words.snakeCase(component.getName()),
                                component.getType());
                    }
                });
        return all;
    }
}
