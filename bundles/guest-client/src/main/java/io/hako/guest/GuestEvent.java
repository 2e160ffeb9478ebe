// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import java.time.Instant;

/** Something that happened in a guest. Numbers begin at 1 with each start of the agent. */
public sealed interface GuestEvent {
    long sequence();

    /** By the guest's clock. */
    Instant at();

    /**
     * @param pid in the guest
     * @param status 0 to 255; 128 + signal where a signal ended it
     * @param oomKilled the guest's kernel ended it for want of memory
     */
    record Exited(
            long sequence,
            Instant at,
            GuestProcessId process,
            int pid,
            int status,
            boolean oomKilled)
            implements GuestEvent {}

    /**
     * @param kills how many processes of the container the guest's kernel has ended for want of
     *     memory so far
     */
    record OutOfMemory(long sequence, Instant at, String container, long kills)
            implements GuestEvent {}

    /** The guest is about to power itself off: the last event. */
    record Farewell(long sequence, Instant at, String reason) implements GuestEvent {}

    /** An event of a newer agent, which this daemon does not know. */
    record Unknown(long sequence, Instant at) implements GuestEvent {}
}
