// SPDX-License-Identifier: Apache-2.0
package io.hako.api.storage;

import io.hako.api.device.Device;
import io.hako.api.driver.Handle;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/** A source, made ready for a machine. One that can grow also is a {@link Growable}. */
@ConsumerType
public interface StorageAttachment extends Handle {
    /**
     * What to attach to the machine, in this order. The same for the whole life of the attachment.
     */
    List<Device> devices();

    /**
     * What the agent does then, in this order; undone in the reverse order before the devices are
     * detached. Likewise.
     */
    List<GuestStep> guestSteps();
}
