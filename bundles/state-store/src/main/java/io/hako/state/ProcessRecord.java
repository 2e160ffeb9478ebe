// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A process as journalled; {@code exit} is there once it is STOPPED. */
public record ProcessRecord(Entry.Process facts, ProcessPhase phase, Optional<Entry.Exited> exit) {
    List<Entry> entries() {
        List<Entry> all = new ArrayList<>();
        all.add(facts);
        if (exit.isPresent()) {
            all.add(exit.get());
        } else if (phase != ProcessPhase.PREPARED) {
            all.add(new Entry.Moved(facts.container(), facts.exec(), phase));
        }
        return all;
    }
}
