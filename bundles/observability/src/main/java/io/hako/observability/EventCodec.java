// SPDX-License-Identifier: Apache-2.0
package io.hako.observability;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.hako.api.types.DriverException;
import io.hako.api.types.OwnerId;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;

/** Events as one JSON object each and back; what is empty is left out. */
final class EventCodec {
    private EventCodec() {}

    static String line(Told told) {
        Event event = told.event();
        JsonObject line = new JsonObject();
        line.addProperty("number", told.number());
        line.addProperty("time", told.at().toString());
        line.addProperty("type", event.subject().word());
        line.addProperty("event", event.action());
        event.sandbox().ifPresent(pod -> line.addProperty("pod", pod.toString()));
        add(line, "container", event.container());
        add(line, "process", event.process());
        add(line, "cause", event.cause());
        event.took().ifPresent(time -> line.addProperty("ns", time.toNanos()));
        JsonObject details = new JsonObject();
        event.details().forEach(details::addProperty);
        line.add("details", details);
        return line.toString();
    }

    /**
     * @throws JsonParseException if it is no event
     */
    static Told told(String line) {
        try {
            JsonObject object = JsonParser.parseString(line).getAsJsonObject();
            TreeMap<String, String> details = new TreeMap<>();
            object.getAsJsonObject("details")
                    .asMap()
                    .forEach((name, value) -> details.put(name, value.getAsString()));
            Event event =
                    new Event(
                            subject(object.get("type").getAsString()),
                            object.get("event").getAsString(),
                            text(object, "pod").map(OwnerId::parse),
                            text(object, "container").orElse(""),
                            text(object, "process").orElse(""),
                            text(object, "cause").orElse(""),
                            object.has("ns")
                                    ? Optional.of(Duration.ofNanos(object.get("ns").getAsLong()))
                                    : Optional.empty(),
                            details);
            return new Told(
                    object.get("number").getAsLong(),
                    Instant.parse(object.get("time").getAsString()),
                    event);
        } catch (JsonParseException e) {
            throw e;
        } catch (DateTimeParseException
                | DriverException
                | IllegalArgumentException
                | IllegalStateException
                | NullPointerException
                | UnsupportedOperationException e) { // what Gson and java.time say to a wrong shape
            throw new JsonParseException("It is no event: " + line, e);
        }
    }

    private static Event.Subject subject(String word) {
        return Event.Subject.valueOf(word.toUpperCase(Locale.ROOT));
    }

    private static void add(JsonObject line, String name, String value) {
        if (!value.isEmpty()) {
            line.addProperty(name, value);
        }
    }

    private static Optional<String> text(JsonObject object, String name) {
        return Optional.ofNullable(object.get(name)).map(value -> value.getAsString());
    }
}
