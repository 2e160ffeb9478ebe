// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.state.Entry;
import io.hako.state.SandboxJournal;
import java.util.concurrent.TimeUnit;

/**
 * Times the steps of a sandbox's start, into the journal. A step that fails is not written: the
 * start is undone.
 *
 * @param kept false for a further container, which is no part of the start
 */
record Steps(SandboxJournal journal, boolean kept) {
    void time(String name, Runnable step) {
        long begun = System.nanoTime();
        step.run();
        if (kept) {
            journal.append(
                    new Entry.Step(name, TimeUnit.NANOSECONDS.toMicros(System.nanoTime() - begun)));
        }
    }
}
