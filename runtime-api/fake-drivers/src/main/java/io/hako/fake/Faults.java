// SPDX-License-Identifier: Apache-2.0
package io.hako.fake;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.util.ArrayList;
import java.util.List;

/**
 * A plan of what goes wrong: at most one step, once. A step is anything that a fake does to the
 * outside; each is passed by name just before it is done. Thread-safe.
 *
 * <p>To try every step: run once with {@link #none()}, count {@link #passed()}, then run with each
 * number below that.
 */
public final class Faults {
    private final int at;
    private final boolean kill;
    private final List<String> passed = new ArrayList<>();

    private Faults(int at, boolean kill) {
        this.at = at;
        this.kill = kill;
    }

    /** Nothing goes wrong. */
    public static Faults none() {
        return new Faults(-1, false);
    }

    /**
     * One step fails with UNAVAILABLE.
     *
     * @param step its number, the first is 0
     */
    public static Faults failAt(int step) {
        return new Faults(step, false);
    }

    /**
     * The daemon is killed before one step: {@link Killed} is thrown there, and at every step after
     * it.
     *
     * @param step its number, the first is 0
     */
    public static Faults killAt(int step) {
        return new Faults(step, true);
    }

    /** The names of the steps so far, also of one that failed. */
    public synchronized List<String> passed() {
        return List.copyOf(passed);
    }

    /** Called by a fake before it does a step. */
    public synchronized void pass(String step) {
        int number = passed.size();
        passed.add(step);
        if (at < 0 || number < at) {
            return;
        }
        if (kill) {
            throw new Killed(step);
        }
        if (number == at) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE, "The step \"%s\" failed, as planned.".formatted(step));
        }
    }

    /**
     * The daemon is dead: no code of a driver may catch this, and none has a chance to clean up.
     */
    public static final class Killed extends Error {
        private static final long serialVersionUID = 1L;

        private Killed(String step) {
            super("Killed before the step \"" + step + "\".", null, false, false);
        }
    }
}
