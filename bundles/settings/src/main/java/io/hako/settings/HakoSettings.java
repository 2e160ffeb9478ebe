// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import com.electronwill.nightconfig.core.UnmodifiableConfig;
import com.electronwill.nightconfig.core.io.ParsingException;
import com.electronwill.nightconfig.toml.TomlParser;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The settings file of this node (TOML 1.0), read once and validated: {@code [guest]}, {@code
 * [drivers]}, {@code [annotations]}, {@code [logs]}, {@code [veth]}, and a table {@code
 * [KIND.NAME]} for each driver that has settings. Whatever is not known is refused. Immutable.
 */
public final class HakoSettings {
    private static final Map<String, Class<? extends Record>> TABLES =
            Map.of(
                    "guest",
                    GuestSettings.class,
                    "drivers",
                    DriverChoice.class,
                    "annotations",
                    AnnotationSettings.class,
                    "logs",
                    LogSettings.class,
                    "veth",
                    VethSettings.class);

    private final String file;
    private final Map<String, Map<String, Object>> given;
    private final Map<DriverId, DriverSettings> drivers;
    private final GuestSettings guest;
    private final DriverChoice choice;
    private final AnnotationSettings annotations;
    private final LogSettings logs;
    private final VethSettings veth;

    private HakoSettings(
            String file,
            Map<String, Map<String, Object>> given,
            Map<DriverId, DriverSettings> drivers) {
        this.file = file;
        this.given = given;
        this.drivers = Map.copyOf(drivers);
        guest = bind("guest", GuestSettings.class);
        choice = bind("drivers", DriverChoice.class);
        annotations = bind("annotations", AnnotationSettings.class);
        Overrides.check(annotations);
        logs = bind("logs", LogSettings.class);
        veth = bind("veth", VethSettings.class);
    }

    /**
     * Reads the file; one that does not exist means all defaults.
     *
     * @throws DriverException INVALID_REQUEST with the file, the key, what was given and what is
     *     known; UNAVAILABLE if it cannot be read
     */
    public static HakoSettings read(Path file) {
        try {
            return parse(file.toString(), Files.readString(file));
        } catch (NoSuchFileException e) {
            return parse(file.toString(), "");
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The settings file %s could not be read.".formatted(file),
                    e);
        }
    }

    static HakoSettings parse(String file, String text) {
        try {
            Map<String, Map<String, Object>> tables = new LinkedHashMap<>();
            Map<DriverId, DriverSettings> drivers = new LinkedHashMap<>();
            new TomlParser()
                    .parse(text)
                    .entrySet()
                    .forEach(
                            entry -> {
                                if (TABLES.containsKey(entry.getKey())) {
                                    tables.put(
                                            entry.getKey(),
                                            values(table(entry.getKey(), entry.getValue())));
                                } else {
                                    drivers.putAll(driverTables(entry.getKey(), entry.getValue()));
                                }
                            });
            return new HakoSettings(file, tables, drivers);
        } catch (ParsingException e) {
            throw DriverException.invalid(
                    "The settings file %s is no TOML: %s.".formatted(file, oneLine(e)));
        } catch (DriverException e) {
            throw new DriverException(
                    e.failure(), "In the settings file %s: %s".formatted(file, e.getMessage()));
        }
    }

    /** The parser quotes line ends as they are and ends with a full stop of its own. */
    private static String oneLine(ParsingException e) {
        return String.valueOf(e.getMessage())
                .strip()
                .replaceAll("\\R", "(line end)")
                .replaceAll("\\.+$", "");
    }

    public GuestSettings guest() {
        return guest;
    }

    public DriverChoice drivers() {
        return choice;
    }

    public LogSettings logs() {
        return logs;
    }

    public VethSettings veth() {
        return veth;
    }

    /** What the file sets for a driver; nothing if it has no such table. */
    public DriverSettings driver(DriverId driver) {
        return drivers.getOrDefault(driver, DriverSettings.of(table(driver), Map.of()));
    }

    /**
     * Checks a driver's table against the record that its bundle names.
     *
     * @throws DriverException INVALID_REQUEST with the file, the key and the nearest known one
     */
    public void check(DriverId driver, Class<? extends Record> record) {
        try {
            driver(driver).as(record);
        } catch (DriverException e) {
            throw new DriverException(
                    e.failure(), "In the settings file %s: %s".formatted(file, e.getMessage()));
        }
    }

    /** The drivers that the file has a table for: each should be there. */
    public Set<DriverId> configuredDrivers() {
        return drivers.keySet();
    }

    /**
     * The settings that hold for a pod with these annotations.
     *
     * @throws DriverException INVALID_REQUEST for an annotation that is unknown, not allowed by the
     *     operator, or has a value that does not fit
     */
    public PodSettings forPod(Map<String, String> podAnnotations) {
        Map<String, Object> guestOverrides = Overrides.of("guest", podAnnotations, annotations);
        Map<String, Object> driverOverrides = Overrides.of("drivers", podAnnotations, annotations);
        GuestSettings podGuest = bind("guest", GuestSettings.class, guestOverrides);
        DriverChoice podChoice = bind("drivers", DriverChoice.class, driverOverrides);
        List<Origin> origins = new ArrayList<>(origins("drivers", podChoice, driverOverrides));
        origins.addAll(origins("guest", podGuest, guestOverrides));
        return new PodSettings(podGuest, podChoice, origins);
    }

    /** The daemon's own settings, in the order of tables and keys, and where each came from. */
    public List<Origin> origins() {
        List<Origin> all = new ArrayList<>();
        Map<String, Record> records = new LinkedHashMap<>();
        records.put("annotations", annotations);
        records.put("drivers", choice);
        records.put("guest", guest);
        records.put("logs", logs);
        records.put("veth", veth);
        records.forEach((table, record) -> all.addAll(origins(table, record, Map.of())));
        return all;
    }

    private List<Origin> origins(String table, Record record, Map<String, Object> overrides) {
        return RecordBinder.values(record).entrySet().stream()
                .map(
                        entry ->
                                new Origin(
                                        table + "." + entry.getKey(),
                                        entry.getValue().toString(),
                                        origin(table, entry.getKey(), overrides)))
                .toList();
    }

    private String origin(String table, String key, Map<String, Object> overrides) {
        if (overrides.containsKey(key)) {
            return "annotation " + Overrides.PREFIX + table + "." + key;
        }
        return given.getOrDefault(table, Map.of()).containsKey(key) ? file : "default";
    }

    private <T extends Record> T bind(String table, Class<T> type, Map<String, Object> overrides) {
        Map<String, Object> values = new LinkedHashMap<>(given.getOrDefault(table, Map.of()));
        values.putAll(overrides);
        return RecordBinder.bind(type, table, values);
    }

    private <T extends Record> T bind(String table, Class<T> type) {
        return bind(table, type, Map.of());
    }

    private static Map<DriverId, DriverSettings> driverTables(String name, Object value) {
        DriverKind kind =
                Arrays.stream(DriverKind.values())
                        .filter(k -> k.word().equals(name))
                        .findFirst()
                        .orElseThrow(() -> unknown(name));
        Map<DriverId, DriverSettings> all = new LinkedHashMap<>();
        values(table(name, value))
                .forEach(
                        (driver, keys) -> {
                            DriverId id = new DriverId(kind, driver);
                            all.put(
                                    id,
                                    DriverSettings.of(table(id), values(table(table(id), keys))));
                        });
        return all;
    }

    private static DriverException unknown(String name) {
        Set<String> known = new TreeSet<>(TABLES.keySet());
        Arrays.stream(DriverKind.values()).forEach(kind -> known.add(kind.word()));
        return DriverException.invalid(
                "The table [%s] is not known: %s".formatted(name, Words.hint(name, known)));
    }

    private static String table(DriverId driver) {
        return driver.kind().word() + "." + driver.name();
    }

    private static UnmodifiableConfig table(String name, Object value) {
        if (value instanceof UnmodifiableConfig config) {
            return config;
        }
        throw DriverException.invalid(
                "%s is a table: write [%s] on a line of its own and its keys below."
                        .formatted(name, name));
    }

    private static Map<String, Object> values(UnmodifiableConfig config) {
        Map<String, Object> values = new LinkedHashMap<>();
        config.entrySet().forEach(entry -> values.put(entry.getKey(), entry.getValue()));
        return values;
    }
}
