// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.plugin;

import io.hako.api.driver.Finding;
import io.hako.api.driver.Settings;
import io.hako.api.types.Call;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/** Its probe goes on until its call is given up. */
public final class ProbesLong extends PlainHypervisor {
    /** The name of a thread that is in its probe. */
    public static final String INSIDE = "inside ProbesLong";

    private static final Duration CHECK = Duration.ofMillis(10);

    @Override
    public List<Finding> probe(Settings settings, Call call) {
        Thread.currentThread().setName(INSIDE);
        while (true) {
            call.checkCancelled();
            LockSupport.parkNanos(CHECK.toNanos());
        }
    }
}
