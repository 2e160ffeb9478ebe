// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import com.electronwill.nightconfig.core.io.ParsingException;
import com.electronwill.nightconfig.toml.TomlParser;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Names;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The settings file of this node (TOML 1.0), read once and validated: {@code [guest]}, {@code
 * [drivers]}, {@code [annotations]}, {@code [logs]}, {@code [veth]}, {@code [debug]}, {@code
 * [metrics]}, a table {@code [KIND.NAME]} for each driver that has settings, and {@code
 * [profiles.NAME.TABLE]} for what holds for some pods instead. Whatever is not known is refused.
 * Immutable.
 */
public final class HakoSettings {
    static final String PROFILES = "profiles";
    private static final int LONGEST_PROFILE = 63;

    /** The tables that a profile has too, besides those of drivers: they are about single pods. */
    private static final Set<String> OF_PODS = Set.of("guest", "drivers", "annotations");

    private static final Set<String> TABLES =
            Set.of("guest", "drivers", "annotations", "logs", "veth", "debug", "metrics");

    private final String file;
    private final Profile base;
    private final Map<String, Profile> profiles;
    private final LogSettings logs;
    private final VethSettings veth;
    private final DebugSettings debug;
    private final MetricsSettings metrics;

    private HakoSettings(String file, Tables tables, Map<String, Tables> profiles) {
        this.file = file;
        Sources sources = Sources.of(Source.file(file, tables));
        base = Profile.of(sources);
        logs = sources.bind("logs", LogSettings.class);
        veth = sources.bind("veth", VethSettings.class);
        debug = sources.bind("debug", DebugSettings.class);
        metrics = sources.bind("metrics", MetricsSettings.class);
        this.profiles = new TreeMap<>();
        profiles.forEach(
                (name, own) ->
                        this.profiles.put(
                                name, Profile.of(sources.with(Source.profile(name, own)))));
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
        return inFile(
                file,
                () -> {
                    Map<String, Object> document =
                            new LinkedHashMap<>(Tables.values("", new TomlParser().parse(text)));
                    Optional<Object> profiles = Optional.ofNullable(document.remove(PROFILES));
                    return new HakoSettings(
                            file,
                            Tables.read("", document, TABLES),
                            profiles.map(HakoSettings::profiles).orElse(Map.of()));
                });
    }

    private static Map<String, Tables> profiles(Object value) {
        Map<String, Tables> all = new LinkedHashMap<>();
        Tables.values(PROFILES, value)
                .forEach(
                        (name, tables) -> {
                            Names.name("The name of a profile", name, LONGEST_PROFILE);
                            String within = Tables.full(PROFILES, name);
                            all.put(
                                    name,
                                    Tables.read(within, Tables.values(within, tables), OF_PODS));
                        });
        return all;
    }

    private static <T> T inFile(String file, Supplier<T> reading) {
        try {
            return reading.get();
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

    /** Of the pods without a profile. */
    public GuestSettings guest() {
        return base.guest();
    }

    /** Of the pods without a profile. */
    public DriverChoice drivers() {
        return base.drivers();
    }

    public LogSettings logs() {
        return logs;
    }

    public VethSettings veth() {
        return veth;
    }

    public MetricsSettings metrics() {
        return metrics;
    }

    public DebugSettings debug() {
        return debug;
    }

    /** What the file sets for a driver; nothing if it has no such table. */
    public DriverSettings driver(DriverId driver) {
        String table = Tables.of(driver);
        return DriverSettings.of(table, base.sources().values(table));
    }

    /**
     * Checks all that the file says of a driver against the record that its bundle names.
     *
     * @param record of its settings; empty if it has none
     * @throws DriverException INVALID_REQUEST with the file, the key and the nearest known one
     */
    public void check(DriverId driver, Optional<Class<? extends Record>> record) {
        inFile(
                file,
                () -> {
                    base.check(driver, record);
                    profiles.values().forEach(profile -> profile.check(driver, record));
                    return driver;
                });
    }

    /** The drivers that the file has a table for: each should be there. */
    public Set<DriverId> configuredDrivers() {
        return Stream.concat(Stream.of(base), profiles.values().stream())
                .flatMap(profile -> profile.sources().all().stream())
                .flatMap(source -> source.tables().drivers().stream())
                .collect(Collectors.toSet());
    }

    /**
     * The settings that hold for a pod.
     *
     * @param choice the profile that was asked for; empty for none, as is the file's own path
     * @throws DriverException INVALID_REQUEST for a profile that there is not, and for an
     *     annotation that is unknown, not allowed by the operator, or has a value that does not fit
     */
    public PodSettings forPod(Optional<ProfileChoice> choice, Map<String, String> podAnnotations) {
        Optional<ProfileChoice> named = choice.filter(one -> !one.name().equals(file));
        Profile profile = named.map(this::profile).orElse(base);
        Tables overrides = Overrides.of(podAnnotations, profile.annotations(), file);
        return new PodSettings(profile.sources().with(Source.annotations(overrides)), named);
    }

    private Profile profile(ProfileChoice choice) {
        Profile profile = profiles.get(choice.name());
        if (profile == null) {
            throw DriverException.invalid(
                    "The profile \"%s\", which %s names, is not in the settings file %s: %s"
                            .formatted(
                                    choice.name(),
                                    choice.by(),
                                    file,
                                    profiles.isEmpty()
                                            ? "it has none; a table such as [profiles.%s.guest] would make it."
                                                    .formatted(choice.name())
                                            : Words.hint(choice.name(), profiles.keySet())));
        }
        return profile;
    }

    /** The daemon's own settings, in the order of tables and keys, and where each came from. */
    public List<Origin> origins() {
        Map<String, Record> records = new TreeMap<>();
        records.put("annotations", base.annotations());
        records.put("debug", debug);
        records.put("drivers", base.drivers());
        records.put("guest", base.guest());
        records.put("logs", logs);
        records.put("metrics", metrics);
        records.put("veth", veth);
        return records.entrySet().stream()
                .flatMap(
                        table ->
                                base
                                        .sources()
                                        .origins(
                                                table.getKey(),
                                                RecordBinder.values(table.getValue()))
                                        .stream())
                .toList();
    }
}
