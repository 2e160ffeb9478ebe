// SPDX-License-Identifier: Apache-2.0
package io.hako.api.storage;

import io.hako.api.types.Call;
import io.hako.api.types.MemorySize;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A {@link StorageAttachment} that can become larger while it is used. Declared by {@link
 * StorageFeature#GROW}.
 */
@ConsumerType
public interface Growable {
    /**
     * Makes the host side larger; succeeds if it is as large already.
     *
     * @return what the agent does for the guest to see it
     * @throws io.hako.api.types.DriverException INVALID_REQUEST if it is larger now, with both
     *     numbers
     */
    List<GuestStep> grow(MemorySize to, Call call);
}
