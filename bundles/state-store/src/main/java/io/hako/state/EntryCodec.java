// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonDeserializer;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.JsonSerializer;
import com.google.gson.Strictness;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Map;
import java.util.stream.Collectors;

/** Entries as lines of JSON and back. */
final class EntryCodec {
    private static final Map<String, Class<? extends Entry>> TYPES =
            Map.ofEntries(
                    Map.entry("sandbox", Entry.Sandbox.class),
                    Map.entry("begin", Entry.Begin.class),
                    Map.entry("done", Entry.Done.class),
                    Map.entry("undone", Entry.Undone.class),
                    Map.entry("handle", Entry.Handle.class),
                    Map.entry("handle-gone", Entry.HandleGone.class),
                    Map.entry("step", Entry.Step.class),
                    Map.entry("planned", Entry.Planned.class),
                    Map.entry("machine", Entry.Machine.class),
                    Map.entry("container", Entry.Container.class),
                    Map.entry("process", Entry.Process.class),
                    Map.entry("moved", Entry.Moved.class),
                    Map.entry("exited", Entry.Exited.class),
                    Map.entry("out-of-memory", Entry.OutOfMemory.class),
                    Map.entry("told", Entry.Told.class),
                    Map.entry("happened", Entry.Happened.class),
                    Map.entry("deleted", Entry.Deleted.class),
                    Map.entry("request", Entry.Request.class),
                    Map.entry("answered", Entry.Answered.class));
    private static final Map<Class<?>, String> WORDS =
            TYPES.entrySet().stream()
                    .collect(Collectors.toMap(Map.Entry::getValue, Map.Entry::getKey));

    private final Gson gson =
            new GsonBuilder()
                    .disableHtmlEscaping()
                    .setStrictness(Strictness.STRICT)
                    .registerTypeAdapter(
                            Instant.class,
                            (JsonSerializer<Instant>)
                                    (time, type, context) -> new JsonPrimitive(time.toString()))
                    .registerTypeAdapter(
                            Instant.class,
                            (JsonDeserializer<Instant>)
                                    (json, type, context) -> instant(json.getAsString()))
                    .registerTypeAdapter(
                            Entry.class,
                            (JsonSerializer<Entry>) (entry, type, context) -> tree(entry))
                    .registerTypeAdapter(
                            Entry.class,
                            (JsonDeserializer<Entry>)
                                    (json, type, context) -> entry(json.getAsJsonObject()))
                    .create();

    /** The entry as one line, its newline included. */
    String line(Entry entry) {
        return gson.toJson(tree(entry)) + "\n";
    }

    private JsonObject tree(Entry entry) {
        JsonObject tree = new JsonObject();
        tree.addProperty("t", WORDS.get(entry.getClass()));
        gson.toJsonTree(entry).getAsJsonObject().asMap().forEach(tree::add);
        return tree;
    }

    /**
     * @param line without its newline
     * @throws JsonParseException if it is no entry of this schema
     */
    Entry entry(String line) {
        try {
            return entry(JsonParser.parseString(line).getAsJsonObject());
        } catch (JsonParseException e) {
            throw e;
        } catch (
                RuntimeException
                        e) { // Gson: IllegalStateException for a wrong shape, RuntimeException
            // around a constructor's own
            throw new JsonParseException(e.getMessage(), e);
        }
    }

    private Entry entry(JsonObject object) {
        String word = object.has("t") ? object.get("t").getAsString() : "";
        Class<? extends Entry> type = TYPES.get(word);
        if (type == null) {
            throw new JsonParseException("the entry type \"" + word + "\" is not known");
        }
        return complete(gson.fromJson(object, type));
    }

    /**
     * Gson leaves what is missing null: an entry that lacks a component is refused here. A
     * component that a later version adds gets its default for older journals in the record's
     * compact constructor.
     */
    private static Entry complete(Entry entry) {
        for (RecordComponent component : entry.getClass().getRecordComponents()) {
            try {
                if (component.getAccessor().invoke(entry) == null) {
                    throw new JsonParseException("\"" + component.getName() + "\" is missing");
                }
            } catch (IllegalAccessException | InvocationTargetException e) {
                throw new JsonParseException(e);
            }
        }
        return entry;
    }

    private static Instant instant(String text) {
        try {
            return Instant.parse(text);
        } catch (DateTimeException e) {
            throw new JsonParseException("\"" + text + "\" is no instant", e);
        }
    }
}
