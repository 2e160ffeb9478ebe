// SPDX-License-Identifier: Apache-2.0
package io.hako.api.driver;

import io.hako.api.types.Call;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Files of a driver that belong to no sandbox, such as blobs made of image layers. They survive
 * daemon, driver and reboot.
 */
@ProviderType
public interface NodeStore {
    /** The driver's own directory, the same for all of its versions. It exists. */
    Path directory();

    /**
     * Does some work while no one else on this node works under the same key, in whatever process.
     *
     * @param key of letters, digits, '_', '.' and '-', at most 128 characters
     * @return what the work returns
     * @throws io.hako.api.types.DriverException DEADLINE_EXCEEDED or CANCELLED while waiting for
     *     the turn; whatever DriverException the work throws; INTERNAL for anything else that it
     *     throws
     */
    <T> T exclusively(String key, Call call, Callable<T> work);
}
