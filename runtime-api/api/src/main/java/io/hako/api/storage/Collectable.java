// SPDX-License-Identifier: Apache-2.0
package io.hako.api.storage;

import io.hako.api.driver.NodeStore;
import io.hako.api.types.Call;
import io.hako.api.types.MemorySize;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A {@link StorageDriver} that keeps blobs in its node store. Declared by {@link
 * StorageFeature#COLLECT}.
 */
@ConsumerType
public interface Collectable {
    /**
     * Removes blobs that no sandbox uses, those unused for the longest first, until the rest is
     * within a bound.
     *
     * @param bound what may stay; zero removes all that are unused
     * @return how much was freed
     */
    MemorySize collect(NodeStore store, MemorySize bound, Call call);
}
