// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import com.google.gson.ToNumberPolicy;
import com.google.gson.reflect.TypeToken;
import io.hako.api.driver.Settings;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.util.Map;
import java.util.TreeMap;

/**
 * A driver's settings as plain data: keys and values, without the record they are for. Immutable.
 */
public final class DriverSettings implements Settings {
    private static final Gson GSON =
            new GsonBuilder()
                    .setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE)
                    .disableHtmlEscaping()
                    .create();

    private final String table;
    private final String json;

    private DriverSettings(String table, String json) {
        this.table = table;
        this.json = json;
    }

    static DriverSettings of(String table, Map<String, ?> values) {
        return new DriverSettings(table, GSON.toJson(new TreeMap<>(values)));
    }

    /**
     * Takes up what {@link #json} gave.
     *
     * @throws DriverException INTERNAL if it is no JSON object
     */
    public static DriverSettings parse(String json) {
        DriverSettings settings = new DriverSettings("", json);
        settings.values();
        return settings;
    }

    /** A JSON object of the keys that were set, in order. */
    public String json() {
        return json;
    }

    /**
     * These settings with every key set, so that they stay what they are when a later driver has
     * other defaults.
     */
    public DriverSettings withDefaultsOf(Class<? extends Record> type) {
        return of(table, RecordBinder.values(as(type)));
    }

    @Override
    public <T extends Record> T as(Class<T> type) {
        return RecordBinder.bind(type, table, values());
    }

    Map<String, Object> values() {
        try {
            Map<String, Object> values =
                    GSON.fromJson(json, new TypeToken<Map<String, Object>>() {});
            return values == null ? Map.of() : values;
        } catch (JsonParseException e) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "Driver settings are a JSON object, but \"%.60s\" is none.".formatted(json),
                    e);
        }
    }
}
