// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import java.util.List;

/**
 * The effects of one slot of one sandbox: journalled before they are made, so that a crash between
 * the two leaves a name to look for. Thread-safe.
 */
public interface EffectLog {
    /**
     * To be called before the effect is made. Beginning an effect that is there already changes
     * nothing.
     */
    void begin(String kind, String name, String detail);

    /** To be called once the effect is made. */
    void done(String kind, String name);

    /** To be called once the effect is gone; of one that was never begun it changes nothing. */
    void undone(String kind, String name);

    /**
     * What was begun and is not undone, in the order of beginning: undo it from the last to the
     * first.
     */
    List<Effect> effects();
}
