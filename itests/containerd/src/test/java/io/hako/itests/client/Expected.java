// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.TreeMap;

/**
 * What becomes of each of containerd's tests: a file of lines with the test's name, "pass" or
 * "skip", and why, between tabs. A test that is skipped is not run.
 */
record Expected(SequencedMap<String, String> outcomes) {

    static Expected read(Path file) throws IOException {
        SequencedMap<String, String> outcomes = new LinkedHashMap<>();
        for (String line : Files.readAllLines(file)) {
            if (line.startsWith("#")) {
                continue;
            }
            String[] fields = line.split("\t");
            boolean whole =
                    fields.length == 3
                            && (fields[1].equals("pass") || fields[1].equals("skip"))
                            && outcomes.put(fields[0], fields[1]) == null;
            if (!whole) {
                throw new AssertionError(
                        file + " wants name, pass or skip, and a reason once per test: " + line);
            }
        }
        return new Expected(outcomes);
    }

    List<String> passing() {
        return outcomes.entrySet().stream()
                .filter(entry -> entry.getValue().equals("pass"))
                .map(Map.Entry::getKey)
                .toList();
    }

    /** A line for each test whose outcome is another one. */
    List<String> otherThan(Map<String, String> results) {
        Map<String, String> all = new TreeMap<>(outcomes);
        all.replaceAll((name, outcome) -> results.getOrDefault(name, "skip"));
        return all.entrySet().stream()
                .filter(entry -> !entry.getValue().equals(outcomes.get(entry.getKey())))
                .map(entry -> entry.getKey() + ": " + entry.getValue())
                .toList();
    }
}
