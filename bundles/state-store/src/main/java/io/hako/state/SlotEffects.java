// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import java.util.List;
import java.util.Optional;

/** An {@link EffectLog} in a journal: what is known already is not written again. */
record SlotEffects(SandboxJournal journal, String slot) implements EffectLog {
    @Override
    public void begin(String kind, String name, String detail) {
        if (find(kind, name).isEmpty()) {
            journal.append(new Entry.Begin(slot, kind, name, detail));
        }
    }

    @Override
    public void done(String kind, String name) {
        if (find(kind, name).filter(effect -> !effect.done()).isPresent()) {
            journal.append(new Entry.Done(slot, kind, name));
        }
    }

    @Override
    public void undone(String kind, String name) {
        if (find(kind, name).isPresent()) {
            journal.append(new Entry.Undone(slot, kind, name));
        }
    }

    @Override
    public List<Effect> effects() {
        return journal.record().effects(slot);
    }

    private Optional<Effect> find(String kind, String name) {
        return effects().stream().filter(effect -> effect.is(slot, kind, name)).findFirst();
    }
}
