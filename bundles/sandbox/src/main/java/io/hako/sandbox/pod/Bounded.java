// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.ttrpc.CallScope;
import java.time.Duration;

/** A call with a tighter limit, or one that ends with either of two. */
final class Bounded implements Call {
    private final Call outer;
    private final Call other;

    private Bounded(Call outer, Call other) {
        this.outer = outer;
        this.other = other;
    }

    /** At most {@code limit} from now, and not longer than {@code outer}. */
    static Call within(Duration limit, Call outer) {
        return new Bounded(outer, CallScope.within(limit));
    }

    /** Ends with whichever ends first. */
    static Call both(Call one, Call other) {
        return new Bounded(one, other);
    }

    @Override
    public Duration remaining() {
        Duration left = outer.remaining();
        Duration right = other.remaining();
        return left.compareTo(right) < 0 ? left : right;
    }

    @Override
    public void checkCancelled() {
        outer.checkCancelled();
        other.checkCancelled();
    }

    @Override
    public Registration onCancelled(Runnable wake) {
        Registration first = outer.onCancelled(wake);
        Registration second = other.onCancelled(wake);
        return () -> {
            first.close();
            second.close();
        };
    }

    @Override
    public void progress(String what, long done, long total) {
        outer.progress(what, done, total);
    }
}
