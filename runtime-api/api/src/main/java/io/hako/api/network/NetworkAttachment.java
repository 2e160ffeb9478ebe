// SPDX-License-Identifier: Apache-2.0
package io.hako.api.network;

import io.hako.api.device.Device;
import io.hako.api.driver.Handle;
import io.hako.api.types.Call;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A pod's interface, made into a device. One whose rate can be limited also is a {@link
 * RateLimited}.
 */
@ConsumerType
public interface NetworkAttachment extends Handle {
    /** What to attach to the machine. The same for the whole life of the attachment. */
    Device device();

    /**
     * Brings the host side in line with what the source is now, and makes again what is missing of
     * it. Succeeds without effect if all is as it should be.
     *
     * @param now the same link with other properties
     * @throws io.hako.api.types.DriverException FAILED_PRECONDITION if it is another link;
     *     NOT_FOUND if the link is gone
     */
    void update(NetworkSource now, Call call);
}
