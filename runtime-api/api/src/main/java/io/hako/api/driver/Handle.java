// SPDX-License-Identifier: Apache-2.0
package io.hako.api.driver;

import io.hako.api.types.Call;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * One thing that a driver made for a sandbox and that lives on the host by itself: a virtual
 * machine, a network attachment, a shared volume. The object is only code over it.
 *
 * <p><b>Life.</b> A handle is <i>open</i> from the moment it is created or adopted until {@link
 * #release} or {@link #destroy}. Releasing lets go and changes nothing outside: another instance of
 * the driver adopts the state and goes on. Destroying undoes everything. A closed handle answers
 * {@code state()} as it last was, does nothing on further {@code release()}, and refuses anything
 * else with FAILED_PRECONDITION; except that {@code destroy} of a destroyed handle succeeds.
 *
 * <p><b>Threads.</b> The daemon makes one call at a time on a handle; handles of one sandbox may
 * run at the same time. A driver may have threads of its own for a handle (a reader of a socket,
 * say), which end with {@code release} or {@code destroy} before these return.
 */
@ConsumerType
public interface Handle {
    /**
     * What is needed to adopt this handle. Without asking the outside, in microseconds. The daemon
     * journals it when the handle was made and after each call that returned from it.
     */
    HandleState state();

    /**
     * Lets go: closes sockets, ends threads, leaves everything on the host running as it is.
     * Idempotent, never fails, returns within a second.
     */
    void release();

    /**
     * Undoes every effect on the host, in the reverse order of making, whatever is left of them.
     * Idempotent; effects that are gone already are passed over. If it fails, it can be called
     * again, also on the adopted handle.
     */
    void destroy(Call call);
}
