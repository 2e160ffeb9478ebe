// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.plugin;

/** Leaves a value of its own with the thread that calls it. */
public final class LeavesThreadLocal extends PlainHypervisor {
    private static final ThreadLocal<Remembered> LAST = new ThreadLocal<>();

    @Override
    void booting() {
        LAST.set(new Remembered(this));
    }

    private record Remembered(PlainHypervisor by) {}
}
