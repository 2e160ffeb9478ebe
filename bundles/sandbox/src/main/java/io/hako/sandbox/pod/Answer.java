// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.sandbox.ProcessExit;
import java.time.Instant;
import java.util.function.Function;

/** How a verb's answer is journalled. */
record Answer<A>(Function<A, String> written, Function<String, A> read) {
    static final Answer<Boolean> DONE = new Answer<>(done -> "{}", text -> true);

    static final Answer<Integer> PID =
            new Answer<>(
                    pid -> "{\"pid\":" + pid + "}", text -> object(text).get("pid").getAsInt());

    static final Answer<ProcessExit> EXIT = new Answer<>(Answer::text, Answer::exit);

    private static String text(ProcessExit exit) {
        JsonObject json = new JsonObject();
        json.addProperty("pid", exit.pid());
        json.addProperty("status", exit.status());
        json.addProperty("at", exit.at().toString());
        json.addProperty("reason", exit.reason());
        return json.toString();
    }

    private static ProcessExit exit(String text) {
        JsonObject json = object(text);
        return new ProcessExit(
                json.get("pid").getAsInt(),
                json.get("status").getAsInt(),
                Instant.parse(json.get("at").getAsString()),
                json.get("reason").getAsString());
    }

    private static JsonObject object(String text) {
        return JsonParser.parseString(text).getAsJsonObject();
    }
}
