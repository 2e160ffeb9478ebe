// SPDX-License-Identifier: Apache-2.0
package io.hako.api.driver;

import io.hako.api.types.Names;
import java.util.Map;

/**
 * Something that happened to a handle by itself, which operators or the daemon should hear of.
 *
 * @param name of the event, for programs: "guest-panicked", "share-lost"; at most 63 characters
 * @param sentence what happened, for people
 * @param details more, for programs; at most 32 entries
 */
public record DriverEvent(String name, String sentence, Map<String, String> details) {
    public DriverEvent {
        Names.name("The name of an event", name, 63);
        Names.text("The sentence of an event", sentence, 1000);
        details = Map.copyOf(details);
        Names.within("The number of details of event " + name, details.size(), 0, 32);
    }
}
