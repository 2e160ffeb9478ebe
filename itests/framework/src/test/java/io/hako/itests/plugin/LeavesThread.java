// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.plugin;

import java.util.concurrent.locks.LockSupport;

/** A thread of its own waits until it is interrupted. */
public final class LeavesThread extends PlainHypervisor {
    @Override
    void booting() {
        Thread.ofPlatform().daemon().name("left-behind").start(new Parked());
    }

    private static final class Parked implements Runnable {
        @Override
        public void run() {
            while (!Thread.interrupted()) {
                LockSupport.park(this);
            }
        }
    }
}
