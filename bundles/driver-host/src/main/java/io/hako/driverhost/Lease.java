// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost;

import io.hako.api.driver.Handle;
import io.hako.api.driver.HandleState;
import io.hako.api.types.Call;
import io.hako.api.types.DriverId;
import java.util.function.Consumer;
import java.util.function.Function;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The right to call one handle, whichever version of the driver has it at the moment. Never keep
 * the handle beyond the call: it moves to another driver between two of them.
 *
 * <p>Calls on one lease take turns; the next call waits while the handle moves. After a call that
 * changed the handle's state, the state is journalled. A failure of the driver that is no
 * DriverException is thrown as an INTERNAL one; causes are turned into text, so that no class of
 * the driver is kept.
 *
 * @param <H> the kind of handle
 */
@ProviderType
public interface Lease<H extends Handle> {
    DriverId driver();

    /** In the journal, unique within the sandbox. */
    String slot();

    /**
     * Does some work with the handle.
     *
     * @throws io.hako.api.types.DriverException what the work throws; UNAVAILABLE if no driver can
     *     take the handle up within the call's time, with the reason; FAILED_PRECONDITION after
     *     {@link #destroy}
     */
    <T> T with(Call call, Function<? super H, T> work);

    /** Likewise, for work without a result. */
    void run(Call call, Consumer<? super H> work);

    /**
     * Does some work with a power that not every handle has, such as {@code Pausable}.
     *
     * @throws io.hako.api.types.DriverException also UNSUPPORTED if this handle does not have it
     */
    <P, T> T power(Class<P> power, Call call, Function<? super P, T> work);

    /** As last journalled; waits for no one. */
    HandleState state();

    /**
     * Destroys the handle, then undoes what the journal still has of its slot, removes the
     * workspace and journals that it is gone. Idempotent; can be called again after a failure.
     */
    void destroy(Call call);
}
