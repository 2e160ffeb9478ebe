// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;

/** Names of keys, and which of them a misspelt one is nearest to. */
final class Words {
    private Words() {}

    /** {@code machineType} as the file has it: {@code machine_type}. */
    static String snakeCase(String component) {
        return component.replaceAll("([a-z0-9])([A-Z])", "$1_$2").toLowerCase(Locale.ROOT);
    }

    /**
     * "did you mean ..." with the nearest name, or all names if there are few, or that there is
     * none.
     */
    static String hint(String wrong, Collection<String> known) {
        if (known.isEmpty()) {
            return "there are no keys here";
        }
        return "did you mean \"%s\"?"
                .formatted(
                        known.stream()
                                .min(
                                        Comparator.comparingInt(
                                                        (String name) -> distance(wrong, name))
                                                .thenComparing(Comparator.naturalOrder()))
                                .orElseThrow());
    }

    /** Levenshtein's: how many letters to insert, delete or replace. */
    static int distance(String from, String to) {
        int[] row = new int[to.length() + 1];
        for (int j = 0; j <= to.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= from.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.length(); j++) {
                int replaced = diagonal + (from.charAt(i - 1) == to.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
            }
        }
        return row[to.length()];
    }
}
