// SPDX-License-Identifier: Apache-2.0
package io.hako.api.storage;

import io.hako.api.driver.Driver;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.HandleState;
import io.hako.api.types.Call;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Brings files or disks of the host to a virtual machine.
 *
 * <p><b>Words.</b> A <i>source</i> is what there is on the host, and where it is to appear in the
 * guest. Sharing it gives one <i>attachment</i>: devices for the hypervisor, then steps for the
 * agent, which make the content appear. The daemon carries both over; a storage driver calls
 * neither.
 *
 * <p><b>States of an attachment.</b>
 *
 * <pre>
 *   share ──> shared ──destroy──> (nothing)
 * </pre>
 *
 * The host side is ready when {@code share} returns: a backend process listens, a blob is complete.
 * Destroying is called once the guest has unmounted and the devices are detached, or the machine
 * has ended; the source itself is never changed by it.
 *
 * <p><b>Effects.</b> Backend processes are launched through the context under roles that carry the
 * source's id, since a sandbox has many attachments; sockets are in the workspace. Blobs that
 * several sandboxes use are in the context's {@code NodeStore}.
 *
 * <p><b>Adoption</b> succeeds if the backend process runs. One that has ended cannot be replaced
 * under a running guest: adopting it fails with UNAVAILABLE and a sentence that says so, and
 * changes nothing; its effects are undone from the journal.
 *
 * <p><b>A worked example.</b>
 *
 * {@snippet lang=java :
 * var source = new VolumeSource.HostDirectory(new VolumeId("0"), directory, false, new GuestPath("/run/hako/share/0"));
 * StorageAttachment volume = driver.share(source, context, call);
 * for (Device device : volume.devices()) {
 *     vm.attach(device, call);
 * }
 * agent.perform(volume.guestSteps());     // mount -t virtiofs hako-0 /run/hako/share/0
 * }
 */
@ConsumerType
public interface StorageDriver extends Driver<StorageProfile> {
    /**
     * Prepares the host side of a source.
     *
     * @throws io.hako.api.types.DriverException UNSUPPORTED if the profile does not accept its
     *     kind; NOT_FOUND if the source or the backend's program does not exist; UNAVAILABLE if the
     *     backend ended before it was ready, with the last line that it wrote
     */
    StorageAttachment share(VolumeSource source, DriverContext context, Call call);

    /**
     * Takes an attachment up again from its state.
     *
     * @throws io.hako.api.types.DriverException UNSUPPORTED if the state's schema is outside this
     *     driver's range; UNAVAILABLE if its backend has ended; then and on any other failure
     *     nothing is changed
     */
    StorageAttachment adopt(HandleState state, DriverContext context, Call call);
}
