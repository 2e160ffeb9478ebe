// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import java.util.Collection;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What the settings file says for the pods of one profile, or for those of none.
 *
 * @param sources the file's tables and, for a profile, its own over them
 */
record Profile(
        Sources sources,
        GuestSettings guest,
        DriverChoice drivers,
        AnnotationSettings annotations) {
    /**
     * @throws DriverException INVALID_REQUEST for a value that does not fit, or a name that no
     *     annotation can have
     */
    static Profile of(Sources sources) {
        AnnotationSettings annotations = sources.bind("annotations", AnnotationSettings.class);
        Overrides.check(annotations);
        return new Profile(
                sources,
                sources.bind("guest", GuestSettings.class),
                sources.bind("drivers", DriverChoice.class),
                annotations);
    }

    /**
     * What is said of a driver, against the record of its settings, if it has any.
     *
     * @throws DriverException INVALID_REQUEST with the nearest known name
     */
    void check(DriverId driver, Optional<Class<? extends Record>> record) {
        String table = Tables.of(driver);
        sources.bind(table, record.orElse(NoSettings.class));
        Collection<String> keys = new TreeSet<>();
        RecordBinder.keys(record.orElse(NoSettings.class))
                .forEach(key -> keys.add(table + "." + key));
        for (String name : annotations.allowed()) {
            if (Overrides.table(name).equals(table) && !keys.contains(name)) {
                throw Overrides.notThere(name, keys);
            }
        }
    }
}
