// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What hakod has journalled of a sandbox, by which a test knows what is under way. */
record PodJournal(Path file) {

    /** Whether a request that begins so is worked on, and not answered. */
    boolean isUnderWay(String verb) {
        List<JsonObject> lines = lines();
        Set<String> answered =
                lines.stream()
                        .filter(line -> is(line, "answered"))
                        .map(line -> text(line, "key"))
                        .collect(Collectors.toSet());
        return lines.stream()
                .filter(line -> is(line, "request") && text(line, "verb").startsWith(verb))
                .anyMatch(line -> !answered.contains(text(line, "key")));
    }

    /** Whether this step of the machine's start is done. */
    boolean hasStep(String name) {
        return lines().stream()
                .anyMatch(line -> is(line, "step") && text(line, "name").equals(name));
    }

    boolean machineWas(String phase) {
        return lines().stream()
                .anyMatch(line -> is(line, "machine") && text(line, "phase").equals(phase));
    }

    /** The whole lines; none if there is no journal, or none any more. */
    private List<JsonObject> lines() {
        try {
            String text = Files.readString(file);
            return text.substring(0, text.lastIndexOf('\n') + 1)
                    .lines()
                    .map(line -> JsonParser.parseString(line).getAsJsonObject())
                    .toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    private static boolean is(JsonObject line, String type) {
        return text(line, "t").equals(type);
    }

    private static String text(JsonObject line, String member) {
        return line.get(member).getAsString();
    }

    @Override
    public String toString() {
        return lines().stream().map(JsonObject::toString).collect(Collectors.joining("\n"));
    }
}
