// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import io.hako.api.types.DriverException;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A value of a JSON document that knows where it stands, so that a wrong one is named by its path.
 *
 * @param document what it is, for sentences: "/b/config.json"
 * @param path such as {@code linux.namespaces[2].type}; empty for the whole document
 */
record JsonNode(String document, String path, JsonElement value) {
    private static final Gson GSON =
            new GsonBuilder()
                    .setStrictness(Strictness.STRICT)
                    .disableHtmlEscaping()
                    .serializeNulls()
                    .create();

    /**
     * @throws DriverException INVALID_REQUEST if it is no JSON, or no object
     */
    static JsonNode parse(String document, String text) {
        try {
            JsonNode node = new JsonNode(document, "", GSON.fromJson(text, JsonElement.class));
            node.object();
            return node;
        } catch (JsonParseException e) {
            String where = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
            throw DriverException.invalid(
                    "%s is no JSON: %s."
                            .formatted(document, where.replaceFirst("^[\\w.]+Exception: ", "")));
        }
    }

    static String text(JsonElement value) {
        return GSON.toJson(value);
    }

    JsonObject object() {
        return value instanceof JsonObject object ? object : fail("an object");
    }

    boolean isPresent() {
        return value != null && !(value instanceof JsonNull);
    }

    /** The member of that name; one that is missing, or null, is not present. */
    JsonNode get(String name) {
        JsonElement member = isPresent() ? object().get(name) : JsonNull.INSTANCE;
        return new JsonNode(
                document,
                path.isEmpty() ? name : path + "." + name,
                member == null ? JsonNull.INSTANCE : member);
    }

    List<JsonNode> elements() {
        if (!isPresent()) {
            return List.of();
        }
        if (!value.isJsonArray()) {
            fail("an array");
        }
        List<JsonNode> all = new ArrayList<>();
        for (JsonElement element : value.getAsJsonArray()) {
            all.add(new JsonNode(document, path + "[" + all.size() + "]", element));
        }
        return all;
    }

    String string() {
        return value instanceof JsonPrimitive p && p.isString()
                ? p.getAsString()
                : fail("a string");
    }

    String string(String ifAbsent) {
        return isPresent() ? string() : ifAbsent;
    }

    boolean bool(boolean ifAbsent) {
        if (!isPresent()) {
            return ifAbsent;
        }
        return value instanceof JsonPrimitive p && p.isBoolean()
                ? p.getAsBoolean()
                : fail("true or false");
    }

    Optional<Long> wholeNumber() {
        if (!isPresent()) {
            return Optional.empty();
        }
        if (value instanceof JsonPrimitive p && p.isNumber()) {
            try {
                return Optional.of(new BigDecimal(p.getAsString()).longValueExact());
            } catch (ArithmeticException e) {
                return fail("a whole number of at most 64 bits");
            }
        }
        return fail("a whole number");
    }

    List<String> strings() {
        return elements().stream().map(JsonNode::string).toList();
    }

    Map<String, String> stringMap() {
        Map<String, String> all = new LinkedHashMap<>();
        if (isPresent()) {
            object().keySet().forEach(name -> all.put(name, get(name).string()));
        }
        return all;
    }

    Stream<JsonNode> stream() {
        return elements().stream();
    }

    /** Fails: the value is of another shape. */
    <T> T fail(String expected) {
        String at = path.isEmpty() ? document : "%s: %s".formatted(document, path);
        throw DriverException.invalid(
                isPresent()
                        ? "%s must be %s, but is %s.".formatted(at, expected, shown())
                        : "%s must be %s, but is missing.".formatted(at, expected));
    }

    private String shown() {
        String text = text(value);
        return text.length() <= 60 ? text : text.substring(0, 57) + "...";
    }
}
