// SPDX-License-Identifier: Apache-2.0
package io.hako.api.hypervisor;

import io.hako.api.types.Call;
import org.osgi.annotation.versioning.ConsumerType;

/** A {@link Vm} whose guest can be stopped and go on. Declared by {@link VmFeature#PAUSE}. */
@ConsumerType
public interface Pausable {
    /**
     * Returns once no CPU of the guest runs. Succeeds if it is paused already.
     *
     * @throws io.hako.api.types.DriverException FAILED_PRECONDITION if the machine has not booted
     *     or has ended
     */
    void pause(Call call);

    /**
     * Lets the guest go on. Succeeds if it runs.
     *
     * @throws io.hako.api.types.DriverException FAILED_PRECONDITION if the machine has not booted
     *     or has ended
     */
    void resume(Call call);
}
