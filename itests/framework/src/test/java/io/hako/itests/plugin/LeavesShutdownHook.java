// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.plugin;

/** Registers a shutdown hook of its own. */
public final class LeavesShutdownHook extends PlainHypervisor {
    @Override
    void booting() {
        Runtime.getRuntime().addShutdownHook(new Thread(new Nothing()));
    }

    private static final class Nothing implements Runnable {
        @Override
        public void run() {}
    }
}
