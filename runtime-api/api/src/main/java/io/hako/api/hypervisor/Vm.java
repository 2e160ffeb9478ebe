// SPDX-License-Identifier: Apache-2.0
package io.hako.api.hypervisor;

import io.hako.api.device.Device;
import io.hako.api.driver.Handle;
import io.hako.api.types.Call;
import io.hako.api.types.DeviceId;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A virtual machine; {@link Hypervisor} tells its states. A machine that can be paused also is a
 * {@link Pausable}, one that can change its size a {@link Resizable}; the profile's features say
 * the same.
 */
@ConsumerType
public interface Vm extends Handle {
    /**
     * The role of the monitor process: the machine has ended when this process has, and its pid is
     * the pod's.
     */
    String monitorRole();

    /** How the agent is reached. The same for the whole life of the machine. */
    GuestChannel guestChannel();

    /**
     * Lets the guest run, and returns once it does; the agent answers later. Succeeds if it runs
     * already.
     *
     * @throws io.hako.api.types.DriverException FAILED_PRECONDITION if the machine has ended
     */
    void boot(Call call);

    /**
     * Plugs a device in; returns once the monitor has it, which may be before the guest has seen
     * it. Succeeds if an equal device is attached.
     *
     * @throws io.hako.api.types.DriverException ALREADY_EXISTS if a device of the same id that is
     *     not equal is attached; UNSUPPORTED if this kind cannot be attached hot; EXHAUSTED if no
     *     more of its kind can be, with the limit; FAILED_PRECONDITION if the machine has ended
     */
    void attach(Device device, Call call);

    /**
     * Unplugs a device; returns once the guest has let go of it and the monitor closed its files.
     * Succeeds if no such device is attached.
     *
     * @throws io.hako.api.types.DriverException UNSUPPORTED if its kind cannot be unplugged;
     *     DEADLINE_EXCEEDED if the guest does not let go: the device is attached still, and detach
     *     can be called again
     */
    void detach(DeviceId device, Call call);

    /**
     * Ends the machine: asks in the monitor's way, and kills it if half of the call's time has
     * passed. Returns once the monitor has ended. Succeeds if it had already. The guest's file
     * systems are the caller's care: the agent syncs and powers off by itself first.
     */
    void powerOff(Call call);

    /**
     * Says why the machine ended. Only classifies what it is given, and what it knows of the
     * monitor's ways; asks no one, so that the answer is the same however often it is asked.
     */
    VmExit explain(VmEnd end);
}
