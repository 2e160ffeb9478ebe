// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost;

import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkSource;
import io.hako.api.storage.StorageAttachment;
import io.hako.api.storage.VolumeSource;
import io.hako.api.types.Call;
import io.hako.api.types.DriverId;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The handles of one sandbox, each in a slot of its own such as {@code hypervisor-0}. Making a
 * handle journals its effects before they are made and its state once it is there. If making fails,
 * what it had done is undone from the journal before the failure is thrown. Thread-safe.
 */
@ProviderType
public interface SandboxDrivers extends AutoCloseable {
    /**
     * @param settings the driver's effective settings, frozen with the handle: a JSON object
     */
    Lease<Vm> create(String slot, DriverId driver, String settings, VmSpec spec, Call call);

    /**
     * @param settings the driver's effective settings, frozen with the handle: a JSON object
     */
    Lease<NetworkAttachment> connect(
            String slot, DriverId driver, String settings, NetworkSource source, Call call);

    /**
     * @param settings the driver's effective settings, frozen with the handle: a JSON object
     */
    Lease<StorageAttachment> share(
            String slot, DriverId driver, String settings, VolumeSource source, Call call);

    /**
     * Adopts the machine that the journal has in a slot; one that is leased is returned as it is.
     *
     * @throws io.hako.api.types.DriverException NOT_FOUND if the journal has none; what the
     *     driver's adopt throws; nothing is undone then
     */
    Lease<Vm> adoptVm(String slot, Call call);

    /** Like {@link #adoptVm}. */
    Lease<NetworkAttachment> adoptNetwork(String slot, Call call);

    /** Like {@link #adoptVm}. */
    Lease<StorageAttachment> adoptStorage(String slot, Call call);

    /**
     * Undoes what the journal says was done for a slot, without its driver: processes are killed,
     * links and mounts removed. For a slot whose handle was never made, or cannot be adopted.
     * Idempotent.
     */
    void undo(String slot, Call call);

    /** Releases all handles and leaves everything running. Idempotent. */
    @Override
    void close();
}
