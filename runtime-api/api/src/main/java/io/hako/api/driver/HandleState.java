// SPDX-License-Identifier: Apache-2.0
package io.hako.api.driver;

import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import java.nio.charset.StandardCharsets;

/**
 * All that a driver needs to take a handle up again: in a later daemon, or in another version of
 * the driver. Plain data, so that it outlives the driver's classes. Within one schema, fields are
 * only added; a reader ignores those that it does not know and does without those that are missing.
 *
 * @param driver which driver wrote it; only a driver of this id is given it
 * @param schema the version of its fields, 1 or more
 * @param json a JSON object (RFC 8259), at most {@link #LARGEST} bytes of UTF-8, with nothing
 *     secret in it: it is shown to operators
 */
public record HandleState(DriverId driver, int schema, String json) {
    /** It is journalled with each change of the handle: keep it far below. */
    public static final int LARGEST = 64 * 1024;

    public HandleState {
        if (schema < 1) {
            throw DriverException.invalid(
                    "A state schema is 1 or more, but %s gave %d.".formatted(driver, schema));
        }
        int length = json.getBytes(StandardCharsets.UTF_8).length;
        if (length > LARGEST) {
            throw DriverException.invalid(
                    "The state of a handle has at most %d bytes, but %s gave %d."
                            .formatted(LARGEST, driver, length));
        }
        String text = json.strip();
        if (!text.startsWith("{") || !text.endsWith("}")) {
            throw DriverException.invalid(
                    "The state of a handle is a JSON object, but %s gave \"%.40s\"."
                            .formatted(driver, text));
        }
    }
}
