// SPDX-License-Identifier: Apache-2.0
package io.hako.api.hypervisor;

import io.hako.api.types.Names;
import org.osgi.annotation.versioning.ProviderType;

/** Why a machine ended. */
@ProviderType
public sealed interface VmExit {
    /** The daemon wanted it. */
    record Requested() implements VmExit {}

    /**
     * The guest ended itself in good order.
     *
     * @param farewell what the agent said last
     */
    record GuestPowerOff(String farewell) implements VmExit {}

    /**
     * Anything else: the monitor failed or was killed, or the guest panicked. A monitor that ends
     * with status 0, with no request and no farewell, is this too: QEMU under -no-reboot does so on
     * a guest panic.
     *
     * @param cause one sentence for the operator
     */
    record Crashed(String cause) implements VmExit {
        public Crashed {
            Names.text("The cause of a crash", cause, 1000);
        }
    }
}
