// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.types.Call;
import io.hako.ttrpc.CallScope;
import java.time.Duration;

/** A part of a call: it ends with the call, or after a time of its own. */
record CallPart(CallScope call, Call.Registration registration) implements AutoCloseable {
    static CallPart of(Call whole, Duration limit) {
        Duration left = whole.remaining();
        CallScope part = CallScope.within(left.compareTo(limit) < 0 ? left : limit);
        return new CallPart(part, whole.onCancelled(part::cancel));
    }

    @Override
    public void close() {
        registration.close();
    }
}
