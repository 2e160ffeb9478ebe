// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.DriverException;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** What annotations of a pod say of settings: {@code io.hako.config.TABLE.KEY}. */
final class Overrides {
    static final String PREFIX = "io.hako.config.";

    /** The tables that are about single pods, besides those of drivers. */
    private static final Map<String, Class<? extends Record>> TABLES =
            Map.of("drivers", DriverChoice.class, "guest", GuestSettings.class);

    private Overrides() {}

    /**
     * The keys of a driver's table are not known here: {@link Profile#check} comes to them when the
     * driver is there.
     *
     * @throws DriverException INVALID_REQUEST if the operator allows a setting that there is not
     */
    static void check(AnnotationSettings annotations) {
        for (String name : annotations.allowed()) {
            if (!isDrivers(name) && !known().contains(name)) {
                throw notThere(name, known());
            }
        }
    }

    /**
     * What a pod's annotations set.
     *
     * @param file that the operator's settings are from, for sentences
     * @throws DriverException INVALID_REQUEST for an unknown setting, with the nearest known one,
     *     or for one that the operator does not allow, with the setting that would
     */
    static Tables of(Map<String, String> annotations, AnnotationSettings operator, String file) {
        Map<String, Map<String, Object>> tables = new TreeMap<>();
        new TreeMap<>(annotations)
                .forEach(
                        (annotation, text) -> {
                            if (annotation.startsWith(PREFIX)) {
                                String name = annotation.substring(PREFIX.length());
                                requireAllowed(annotation, name, operator, file);
                                tables.computeIfAbsent(table(name), t -> new LinkedHashMap<>())
                                        .put(
                                                name.substring(name.lastIndexOf('.') + 1),
                                                new AnnotationText(annotation, text));
                            }
                        });
        return new Tables(tables);
    }

    /** Of a setting's full name. */
    static String table(String name) {
        return name.substring(0, Math.max(0, name.lastIndexOf('.')));
    }

    /**
     * @param known what could have been meant
     */
    static DriverException notThere(String name, Collection<String> known) {
        return DriverException.invalid(
                "The setting annotations.allowed names \"%s\", which no pod can have of its own: %s"
                        .formatted(name, Words.hint(name, known)));
    }

    private static void requireAllowed(
            String annotation, String name, AnnotationSettings operator, String file) {
        if (operator.allowed().contains(name)) {
            return;
        }
        if (!isDrivers(name) && !known().contains(name)) {
            throw DriverException.invalid(
                    "The annotation %s is not known: %s"
                            .formatted(annotation, Words.hint(name, known())));
        }
        throw DriverException.invalid(
                "The annotation %s is not allowed here: the operator's setting annotations.allowed in %s would have to list \"%s\", and lists %s."
                        .formatted(
                                annotation,
                                file,
                                name,
                                operator.allowed().isEmpty()
                                        ? "nothing"
                                        : String.join(", ", operator.allowed())));
    }

    private static boolean isDrivers(String name) {
        return table(name).contains(".") && Tables.driver(table(name)).isPresent();
    }

    /** Full names of the settings that every node has. */
    private static Set<String> known() {
        Set<String> all = new TreeSet<>();
        TABLES.forEach(
                (table, record) ->
                        RecordBinder.keys(record).forEach(key -> all.add(table + "." + key)));
        return all;
    }
}
