// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

/**
 * Sees each entry, in the thread that writes it and under the journal's lock: must return at once.
 * What it throws ends the append; tests cut the daemon off this way.
 */
public interface JournalObserver {
    JournalObserver NONE = new JournalObserver() {};

    /** The entry is about to be written. */
    default void writing(Entry entry) {}

    /** The entry is written: a kill no longer loses it. */
    default void written(Entry entry) {}
}
