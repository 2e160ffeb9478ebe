// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import java.time.Duration;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The caller's side of one operation: how long it may take, whether it is still wanted, and who
 * hears of its progress.
 *
 * <p>Every method that takes a Call blocks the calling (virtual) thread until it is done, and must
 * end within {@link #remaining()} with DEADLINE_EXCEEDED, or soon after cancellation with
 * CANCELLED. Cancelling does not interrupt the thread: an interrupt would close the socket under a
 * blocked read.
 */
@ProviderType
public interface Call {
    /** Time left; zero once the limit has passed, never negative. */
    Duration remaining();

    /**
     * Returns if the operation is still wanted. To be called between steps and in each round of a
     * wait.
     *
     * @throws DriverException CANCELLED if the caller gave up, DEADLINE_EXCEEDED if no time is left
     */
    void checkCancelled();

    /**
     * Has something run when the caller gives up, so that a thread that waits on a condition wakes
     * without an interrupt. Not at the deadline: whoever waits, waits for {@link #remaining()} at
     * most.
     *
     * @param wake runs once, on any thread, at once if the caller has given up already; short, and
     *     fails never
     */
    Registration onCancelled(Runnable wake);

    /**
     * Tells the caller how far a long step is. Cheap; may be called often.
     *
     * @param what one phrase for a person, such as "Unpacking layer 2 of 5"
     * @param done how much is done, in a unit of the driver's choice
     * @param total the whole in that unit; 0 if unknown
     */
    void progress(String what, long done, long total);

    /** Ends with the wait that it was made for. */
    @ProviderType
    interface Registration extends AutoCloseable {
        /** The runnable will not run any more, unless it does now. Idempotent. */
        @Override
        void close();
    }
}
