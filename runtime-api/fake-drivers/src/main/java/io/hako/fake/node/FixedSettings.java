// SPDX-License-Identifier: Apache-2.0
package io.hako.fake.node;

import io.hako.api.driver.Settings;
import io.hako.api.types.DriverException;
import java.util.List;

/** Settings given as the records themselves. */
public final class FixedSettings implements Settings {
    private final List<Record> records;

    public FixedSettings(Record... records) {
        this.records = List.of(records);
    }

    @Override
    public <T extends Record> T as(Class<T> type) {
        return records.stream()
                .filter(type::isInstance)
                .map(type::cast)
                .findFirst()
                .orElseThrow(
                        () ->
                                DriverException.invalid(
                                        "No settings of type %s were given."
                                                .formatted(type.getName())));
    }
}
