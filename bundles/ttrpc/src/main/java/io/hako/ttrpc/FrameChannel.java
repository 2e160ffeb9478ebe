// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import java.io.IOException;
import java.util.Optional;

/**
 * A two-way stream of frames: a unix socket of its own, or one connection of many that share a
 * link.
 *
 * <p>Any thread may send; one thread receives. {@link #close()} may be called by any thread, wakes
 * a blocked receiver, and does nothing the second time.
 */
public interface FrameChannel extends AutoCloseable {
    /**
     * Hands a frame over for sending, in order. Blocks while too much waits to be sent.
     *
     * @throws IOException if the channel is closed or broken
     */
    void send(Frame frame) throws IOException;

    /**
     * Blocks for the next frame.
     *
     * @return nothing once either side has closed
     * @throws IOException if the channel broke, or what came is no frame
     */
    Optional<Frame> receive() throws IOException;

    @Override
    void close();
}
