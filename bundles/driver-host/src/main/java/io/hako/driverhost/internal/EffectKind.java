// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What a driver's effects are called in the journal. */
enum EffectKind {
    /** Name: its role. */
    PROCESS,
    /** Name: the kept file's. */
    KEPT,
    /** Name: the target. */
    MOUNT,
    /** An interface that was made. Name: the namespace's path, a blank, the interface's name. */
    LINK,
    /** One side of a redirect. Name: likewise. */
    REDIRECT;

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Optional<EffectKind> of(String word) {
        return Arrays.stream(values()).filter(kind -> kind.word().equals(word)).findFirst();
    }
}
