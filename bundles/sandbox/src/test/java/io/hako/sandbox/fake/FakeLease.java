// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.fake;

import io.hako.api.driver.Handle;
import io.hako.api.driver.HandleState;
import io.hako.api.types.Call;
import io.hako.api.types.DriverId;
import io.hako.driverhost.Lease;
import java.util.function.Consumer;
import java.util.function.Function;

/** A lease on a handle that never moves. */
record FakeLease<H extends Handle>(DriverId driver, String slot, H handle, Consumer<Call> destroyer)
        implements Lease<H> {
    @Override
    public <T> T with(Call call, Function<? super H, T> work) {
        synchronized (handle) {
            return work.apply(handle);
        }
    }

    @Override
    public void run(Call call, Consumer<? super H> work) {
        synchronized (handle) {
            work.accept(handle);
        }
    }

    @Override
    public <P, T> T power(Class<P> power, Call call, Function<? super P, T> work) {
        return with(call, h -> work.apply(power.cast(h)));
    }

    @Override
    public HandleState state() {
        return handle.state();
    }

    @Override
    public void destroy(Call call) {
        synchronized (handle) {
            destroyer.accept(call);
        }
    }
}
