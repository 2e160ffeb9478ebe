// SPDX-License-Identifier: Apache-2.0
package io.hako.api.driver;

import org.osgi.annotation.versioning.ProviderType;

/**
 * The effective settings of a driver: its own defaults, then the settings file's table {@code
 * [KIND.NAME]}, then the profile and the allowed annotations of one sandbox. Merged by the daemon,
 * and frozen with each handle: an adopted handle sees what it was created with.
 *
 * <p>A driver describes its settings by one record. Each component is a key: {@code machineType} is
 * {@code machine_type} in the file. A component's type is String, boolean, int, long, double, Path,
 * Duration, {@code MemorySize}, {@code CpuCount}, an enum, a List of these, or an Optional of these
 * for a key that may be left out. The record has a constructor without parameters that gives the
 * defaults; its compact constructor checks the values, with messages that give limit and value.
 * Keys that the record does not have are refused with the nearest one that it has, before the
 * driver sees anything.
 */
@ProviderType
public interface Settings {
    /**
     * These settings as the driver's record.
     *
     * @throws io.hako.api.types.DriverException INVALID_REQUEST if the record refuses a value
     */
    <T extends Record> T as(Class<T> type);
}
