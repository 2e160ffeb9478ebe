// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.guest.GuestEvent;
import io.hako.state.Entry;
import io.hako.state.SandboxJournal;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Containers that ran out of memory, as the guest tells. A malicious guest tells of as many as it
 * likes: of each container that there is, one a second is heard. Called by one thread.
 */
final class Shortages implements Consumer<GuestEvent.OutOfMemory> {
    private static final Logger LOG = LoggerFactory.getLogger(Shortages.class);
    private static final Duration SILENCE = Duration.ofSeconds(1);

    private final SandboxJournal journal;
    private final Map<String, Instant> silentUntil = new HashMap<>();

    Shortages(SandboxJournal journal) {
        this.journal = journal;
    }

    @Override
    public void accept(GuestEvent.OutOfMemory shortage) {
        Instant now = Instant.now();
        silentUntil.keySet().retainAll(journal.record().containers().keySet());
        boolean heard =
                journal.record().container(shortage.container()).isPresent()
                        && now.isAfter(silentUntil.getOrDefault(shortage.container(), Instant.MIN));
        if (heard) {
            silentUntil.put(shortage.container(), now.plus(SILENCE));
            LOG.warn(
                    "Sandbox {}: container {} ran out of memory ({} processes ended so far).",
                    journal.owner(),
                    shortage.container(),
                    shortage.kills());
            journal.append(new Entry.OutOfMemory(shortage.container()));
        }
    }
}
