// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.plugin;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.HandleState;
import io.hako.api.hypervisor.Vm;
import io.hako.api.types.Call;

/** It starts, passes its probe, and then cannot take up what it is given. */
public final class FailsToAdopt extends PlainHypervisor {
    @Override
    public Vm adopt(HandleState state, DriverContext context, Call call) {
        throw new IllegalStateException("cannot read this");
    }
}
