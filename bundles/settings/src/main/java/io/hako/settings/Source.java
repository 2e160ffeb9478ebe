// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import java.util.function.UnaryOperator;

/**
 * One place where settings get their values.
 *
 * @param within name of the table of the file that the tables are in, for sentences; empty where
 *     they are in none
 * @param origin what a person is told of where a value came from, given its full name
 */
record Source(String within, Tables tables, UnaryOperator<String> origin) {
    static Source file(String path, Tables tables) {
        return new Source("", tables, key -> path);
    }

    static Source profile(String name, Tables tables) {
        return new Source(HakoSettings.PROFILES + "." + name, tables, key -> "profile " + name);
    }

    static Source annotations(Tables tables) {
        return new Source("", tables, key -> "annotation " + Overrides.PREFIX + key);
    }
}
