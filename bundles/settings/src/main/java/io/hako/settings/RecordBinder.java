// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Makes a settings record out of keys and values: what is not given is what the record's
 * constructor without parameters says. Keeps no class: a plugin's would keep its loader.
 */
final class RecordBinder {
    private RecordBinder() {}

    /**
     * @param table name of the keys' table, for sentences; empty for none
     * @throws DriverException INVALID_REQUEST for an unknown key, with the nearest known one, or a
     *     value that does not fit
     */
    static <T extends Record> T bind(Class<T> type, String table, Map<String, ?> values) {
        RecordComponent[] components = type.getRecordComponents();
        List<String> keys = keys(type);
        for (String key : values.keySet()) {
            if (!keys.contains(key)) {
                throw DriverException.invalid(
                        "The setting %s is not known: %s"
                                .formatted(full(table, key), Words.hint(key, keys)));
            }
        }
        T defaults = defaults(type);
        Object[] arguments = new Object[components.length];
        for (int i = 0; i < components.length; i++) {
            Object given = values.get(keys.get(i));
            arguments[i] =
                    given == null
                            ? component(components[i], defaults)
                            : Values.convert(
                                    "The setting " + full(table, keys.get(i)),
                                    given,
                                    components[i].getGenericType());
        }
        return construct(type, table, arguments);
    }

    /** The keys of such a record, in its order. */
    static List<String> keys(Class<? extends Record> type) {
        return Arrays.stream(type.getRecordComponents())
                .map(component -> Words.snakeCase(component.getName()))
                .toList();
    }

    /** The record's values by key, as a file would give them; an empty Optional is left out. */
    static Map<String, Object> values(Record settings) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (RecordComponent component : settings.getClass().getRecordComponents()) {
            Object plain = Values.plain(component(component, settings));
            if (plain != null) {
                values.put(Words.snakeCase(component.getName()), plain);
            }
        }
        return values;
    }

    private static String full(String table, String key) {
        return table.isEmpty() ? key : table + "." + key;
    }

    private static <T extends Record> T defaults(Class<T> type) {
        try {
            Constructor<T> constructor = type.getDeclaredConstructor();
            constructor.setAccessible(true);
            return constructor.newInstance();
        } catch (ReflectiveOperationException e) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "The settings record %s needs a constructor without parameters that gives the defaults."
                            .formatted(type.getName()),
                    e);
        }
    }

    private static <T extends Record> T construct(Class<T> type, String table, Object[] arguments) {
        Class<?>[] types =
                Arrays.stream(type.getRecordComponents())
                        .map(RecordComponent::getType)
                        .toArray(Class<?>[]::new);
        try {
            Constructor<T> constructor = type.getDeclaredConstructor(types);
            constructor.setAccessible(true);
            return constructor.newInstance(arguments);
        } catch (InvocationTargetException e) {
            String where = table.isEmpty() ? "The settings" : "The settings in [" + table + "]";
            throw DriverException.invalid(
                    "%s are refused: %s".formatted(where, e.getCause().getMessage()));
        } catch (ReflectiveOperationException e) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "The settings record %s cannot be made.".formatted(type.getName()),
                    e);
        }
    }

    private static Object component(RecordComponent component, Record record) {
        try {
            component.getAccessor().setAccessible(true);
            return component.getAccessor().invoke(record);
        } catch (ReflectiveOperationException e) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "The settings record %s cannot be read.".formatted(record.getClass().getName()),
                    e);
        }
    }
}
