// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import org.osgi.annotation.versioning.ProviderType;

/** Someone's listening, until closed. */
@ProviderType
public interface Subscription extends AutoCloseable {
    /** Nothing is handed on any more, unless it is at this moment. Idempotent. */
    @Override
    void close();
}
