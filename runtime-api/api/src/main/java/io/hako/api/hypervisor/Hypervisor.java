// SPDX-License-Identifier: Apache-2.0
package io.hako.api.hypervisor;

import io.hako.api.driver.Driver;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.HandleState;
import io.hako.api.types.Call;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Runs virtual machines by means of a monitor, a process such as QEMU, one for each machine.
 *
 * <p><b>Words.</b> The <i>monitor</i> is the process on the host; the <i>guest</i> is what runs
 * inside; the <i>agent</i> is hako's program in the guest, of which a hypervisor knows nothing but
 * the {@link GuestChannel} that leads to it. A device is attached <i>cold</i> if the spec names it,
 * <i>hot</i> if it comes after boot.
 *
 * <p><b>States of a machine.</b>
 *
 * <pre>
 *   create ──> created ──boot──> running ──powerOff, or by itself──> ended ──destroy──> (nothing)
 * </pre>
 *
 * In <i>created</i> the monitor runs and no instruction of the guest has. In <i>ended</i> the
 * monitor process has ended; what it leaves behind (sockets, kept files) goes with {@code destroy},
 * which from any state ends the monitor first.
 *
 * <p><b>Effects.</b> The monitor is launched through the context under {@link Vm#monitorRole()};
 * the machine's files are in the context's workspace. The control socket is listened on by the shim
 * ({@code PassedFile.ListeningSocket}), so that a driver can connect before the monitor is ready,
 * and again after adoption.
 *
 * <p><b>Adoption</b> finds the monitor by its role, connects again, and asks it what is attached:
 * that counts, whatever the state says. A monitor that has ended is adopted as an ended machine, so
 * that it can be explained and destroyed. If there is no such process at all, adoption fails with
 * NOT_FOUND.
 *
 * <p><b>A worked example</b>: a machine from birth to death, with the daemon gone in the middle.
 *
 * {@snippet lang=java :
 * Vm vm = hypervisor.create(spec, context, call);      // the monitor runs, paused
 * journal(vm.state());
 * vm.boot(call);                                       // the guest runs
 * vm.attach(share, call);
 * journal(vm.state());
 * vm.release();                                        // the daemon ends; the guest runs on
 *
 * Vm same = successor.adopt(lastJournalled, context, call);
 * same.attach(share, call);                            // attached already: succeeds
 * same.powerOff(call);
 * same.destroy(call);                                  // nothing is left
 * }
 */
@ConsumerType
public interface Hypervisor extends Driver<HypervisorProfile> {
    /**
     * Builds a machine and leaves it in state created. If this fails, the driver has undone what it
     * had done, as far as it could; the daemon undoes the rest from the journal.
     *
     * @throws io.hako.api.types.DriverException UNSUPPORTED if the spec wants more than the profile
     *     says, with both numbers in the sentence; NOT_FOUND if the monitor's program, the kernel
     *     or the initramfs is missing; UNAVAILABLE if the monitor ended before it was ready, with
     *     the last line that it wrote; ALREADY_EXISTS if the sandbox has a machine
     */
    Vm create(VmSpec spec, DriverContext context, Call call);

    /**
     * Takes a machine up again from its state.
     *
     * @param context of the same sandbox, with the same workspace and settings as the one it was
     *     created with
     * @throws io.hako.api.types.DriverException UNSUPPORTED if the state's schema is outside this
     *     driver's range; NOT_FOUND if the sandbox has no such monitor; UNAVAILABLE if the monitor
     *     lives but does not answer. Nothing is changed then, so that another version can adopt
     */
    Vm adopt(HandleState state, DriverContext context, Call call);
}
