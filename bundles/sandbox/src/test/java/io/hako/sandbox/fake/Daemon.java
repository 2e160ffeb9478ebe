// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.fake;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The life of one daemon in a test. Whatever it does to the fakes passes here, so that {@link #cut}
 * stops it between any two effects, as kill -9 does.
 */
public final class Daemon {
    private final AtomicBoolean cut = new AtomicBoolean();
    private final List<Runnable> callers = new CopyOnWriteArrayList<>();

    /** No failure that anyone handles: the daemon's code must not run on. */
    public static final class Cut extends Error {
        private static final long serialVersionUID = 1L;

        Cut() {
            super("The daemon was cut off.", null, false, false);
        }
    }

    /**
     * @throws Cut from then on, in every thread of the daemon
     */
    public void cut() {
        kill();
        throw new Cut();
    }

    /** The same from outside: its threads end at their next step. */
    public void kill() {
        cut.set(true);
        callers.forEach(Runnable::run);
    }

    /** Who waits for an answer of this daemon hears that none will come. */
    public void onCut(Runnable caller) {
        callers.add(caller);
        if (isCut()) {
            caller.run();
        }
    }

    public boolean isCut() {
        return cut.get();
    }

    /**
     * @throws Cut if the daemon is no more
     */
    public void pass() {
        if (cut.get()) {
            throw new Cut();
        }
    }
}
