// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The settings that hold for one pod: the node's, over them its profile's, and over both what the
 * pod's annotations override. Immutable.
 */
public final class PodSettings {
    private final Sources sources;
    private final Optional<ProfileChoice> profile;
    private final GuestSettings guest;
    private final DriverChoice drivers;

    PodSettings(Sources sources, Optional<ProfileChoice> profile) {
        this.sources = sources;
        this.profile = profile;
        guest = sources.bind("guest", GuestSettings.class);
        drivers = sources.bind("drivers", DriverChoice.class);
    }

    public GuestSettings guest() {
        return guest;
    }

    public DriverChoice drivers() {
        return drivers;
    }

    /**
     * A driver's settings, every key set.
     *
     * @param record of its settings; empty if it has none
     * @throws DriverException INVALID_REQUEST for an unknown key, with the nearest known one, or a
     *     value that does not fit
     */
    public DriverSettings driver(DriverId driver, Optional<Class<? extends Record>> record) {
        String table = Tables.of(driver);
        return DriverSettings.of(
                table, RecordBinder.values(sources.bind(table, record.orElse(NoSettings.class))));
    }

    /** Of all but the drivers' tables, in the order of tables and keys. */
    public List<Origin> origins() {
        List<Origin> all = new ArrayList<>();
        profile.ifPresent(p -> all.add(new Origin("profile", p.name(), p.by())));
        all.addAll(sources.origins("drivers", RecordBinder.values(drivers)));
        all.addAll(sources.origins("guest", RecordBinder.values(guest)));
        return all;
    }

    /**
     * Of one driver's table.
     *
     * @param settings as {@link #driver} gave them
     */
    public List<Origin> origins(DriverId driver, DriverSettings settings) {
        Map<String, Object> values = settings.values();
        return sources.origins(Tables.of(driver), values);
    }
}
