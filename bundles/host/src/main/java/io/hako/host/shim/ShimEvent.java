// SPDX-License-Identifier: Apache-2.0
package io.hako.host.shim;

import java.time.Instant;

/** Something that the shim saw. Numbers grow over the shim's life. */
public sealed interface ShimEvent {
    long sequence();

    Instant at();

    record ProcessExited(long sequence, Instant at, ShimProcess process) implements ShimEvent {}

    /** The agent's link over the guest's serial ports came up or was lost. */
    record GuestLink(long sequence, Instant at, boolean up) implements ShimEvent {}

    /** A stream of a process could not be carried on; the sentence says which and why. */
    record StreamFailed(long sequence, Instant at, StdioId process, String sentence)
            implements ShimEvent {}

    /** An event of a newer shim, which this daemon does not know. */
    record Unknown(long sequence, Instant at) implements ShimEvent {}
}
