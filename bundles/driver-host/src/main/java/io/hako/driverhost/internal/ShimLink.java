// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.host.shim.Shim;
import io.hako.host.shim.Shims;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import java.util.Optional;

/** A sandbox's shim, whichever link it has at the moment. */
record ShimLink(OwnerId owner, Shims shims) {
    /** For questions without a call of their own: the shim answers such from memory. */
    private static final Duration SHORT = Duration.ofSeconds(5);

    static Call shortCall() {
        return CallScope.within(SHORT);
    }

    Shim await(Call call) {
        return shims.await(owner, call);
    }

    Shim now() {
        return find().orElseThrow(
                        () ->
                                new DriverException(
                                        FailureKind.UNAVAILABLE,
                                        "The shim of sandbox %s is not connected."
                                                .formatted(owner)));
    }

    Optional<Shim> find() {
        return shims.find(owner);
    }
}
