// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.util.Optional;

/** One line from QEMU (QEMU docs/interop/qmp-spec, section 2). */
sealed interface QmpMessage {
    /** The first line of a connection. */
    record Greeting() implements QmpMessage {}

    /** Something that happened in the machine. */
    record Event(String name, JsonObject data) implements QmpMessage {}

    /**
     * The answer to a command.
     *
     * @param id of the command; absent if QEMU could not read it
     */
    sealed interface Answer extends QmpMessage {
        Optional<Long> id();
    }

    /** It was done. */
    record Success(Optional<Long> id, JsonElement value) implements Answer {}

    /** It was not done. */
    record Refusal(Optional<Long> id, String errorClass, String description) implements Answer {}

    /**
     * @throws DriverException UNAVAILABLE if it is no message of QMP
     */
    static QmpMessage parse(String line) {
        try {
            return of(JsonParser.parseString(line).getAsJsonObject());
        } catch (JsonParseException
                | IllegalStateException
                | UnsupportedOperationException
                | NumberFormatException
                | ClassCastException e) {
            throw notQmp(line);
        }
    }

    private static QmpMessage of(JsonObject message) {
        if (message.has("return")) {
            return new Success(id(message), message.get("return"));
        }
        if (message.has("error")) {
            JsonObject error = message.getAsJsonObject("error");
            return new Refusal(id(message), text(error, "class"), text(error, "desc"));
        }
        if (message.has("event")) {
            JsonObject data =
                    message.has("data") ? message.getAsJsonObject("data") : new JsonObject();
            return new Event(text(message, "event"), data);
        }
        if (message.has("QMP")) {
            return new Greeting();
        }
        throw notQmp(message.toString());
    }

    private static Optional<Long> id(JsonObject message) {
        return message.has("id") ? Optional.of(message.get("id").getAsLong()) : Optional.empty();
    }

    private static String text(JsonObject object, String key) {
        return object.get(key) instanceof JsonPrimitive value ? value.getAsString() : "";
    }

    private static DriverException notQmp(String line) {
        return new DriverException(
                FailureKind.UNAVAILABLE,
                "QEMU wrote to its control socket what is no message of QMP: \"%s\"."
                        .formatted(PlainText.line(line, 80)));
    }
}
