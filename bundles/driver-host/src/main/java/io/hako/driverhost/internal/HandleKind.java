// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.Driver;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Handle;
import io.hako.api.driver.HandleState;
import io.hako.api.hypervisor.Hypervisor;
import io.hako.api.hypervisor.Vm;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkModel;
import io.hako.api.storage.StorageAttachment;
import io.hako.api.storage.StorageDriver;
import io.hako.api.types.Call;
import io.hako.api.types.DriverKind;

/** One of the three kinds of driver with its handles. */
record HandleKind<D extends Driver<?>, H extends Handle>(
        DriverKind kind, Class<D> driver, Class<H> handle, Adopt<D, H> adopt) {
    static final HandleKind<Hypervisor, Vm> VM =
            new HandleKind<>(DriverKind.HYPERVISOR, Hypervisor.class, Vm.class, Hypervisor::adopt);
    static final HandleKind<NetworkModel, NetworkAttachment> NETWORK =
            new HandleKind<>(
                    DriverKind.NETWORK,
                    NetworkModel.class,
                    NetworkAttachment.class,
                    NetworkModel::adopt);
    static final HandleKind<StorageDriver, StorageAttachment> STORAGE =
            new HandleKind<>(
                    DriverKind.STORAGE,
                    StorageDriver.class,
                    StorageAttachment.class,
                    StorageDriver::adopt);

    /** The driver's adopt. */
    interface Adopt<D, H> {
        H adopt(D driver, HandleState state, DriverContext context, Call call);
    }
}
