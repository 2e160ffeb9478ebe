// SPDX-License-Identifier: Apache-2.0
package io.hako.api.network;

import io.hako.api.types.Call;
import io.hako.api.types.Rate;
import java.util.Optional;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A {@link NetworkAttachment} whose traffic can be limited. Declared by {@link
 * NetworkFeature#RATE_LIMIT}.
 */
@ConsumerType
public interface RateLimited {
    /**
     * Sets both limits, in place of those before.
     *
     * @param ingress towards the guest; absent: none
     * @param egress from the guest; absent: none
     */
    void limit(Optional<Rate> ingress, Optional<Rate> egress, Call call);
}
