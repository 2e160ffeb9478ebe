// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import java.util.Locale;

/** How long the guest may go by what it has seen of a share (virtiofsd, -o cache). */
public enum CachePolicy {
    /** A second for names and attributes; data until the file is opened again after a change. */
    AUTO,
    /** For ever: only right where the guest alone changes the directory. */
    ALWAYS,
    /** Not at all. */
    NONE;

    /** As virtiofsd has it. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
