// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import org.osgi.annotation.versioning.ProviderType;

/**
 * An eye on one network namespace, as {@link Machine#watch} gives it. It keeps the namespace alive,
 * wherever that is bound.
 */
@ProviderType
public interface NetworkWatch extends AutoCloseable {
    /** Nothing is told any more, but perhaps by a call that is under way. Idempotent. */
    @Override
    void close();
}
