// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import java.util.ArrayList;
import java.util.List;

/** How many handles a swap has moved so far. */
final class Moves {
    private final List<String> reasons = new ArrayList<>();
    private int moved;
    private int pinned;
    private int failed;

    void addMoved() {
        moved++;
    }

    void addPinned(HandleLease<?> lease, String reason) {
        pinned++;
        reasons.add(sentence(lease, "stays with the old bundle", reason));
    }

    void addFailed(HandleLease<?> lease, String reason) {
        failed++;
        reasons.add(sentence(lease, "is with no bundle now", reason));
    }

    private static String sentence(HandleLease<?> lease, String what, String reason) {
        return "Handle %s of sandbox %s %s: %s"
                .formatted(lease.slot(), lease.site().owner(), what, reason);
    }

    int moved() {
        return moved;
    }

    int pinned() {
        return pinned;
    }

    int failed() {
        return failed;
    }

    List<String> reasons() {
        return reasons;
    }
}
