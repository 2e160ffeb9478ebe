// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.util.Optional;

/**
 * Frames over a socket of their own, which it closes. The receiving thread must not be interrupted:
 * that closes the socket.
 */
public final class SocketFrameChannel implements FrameChannel {
    private final SocketChannel socket;
    private final FrameInput input;
    private final FrameOutput output;

    /**
     * @param name for thread names, such as "agent-NAMESPACE@ID"
     */
    public SocketFrameChannel(String name, SocketChannel socket) {
        this.socket = socket;
        this.input = new FrameInput(socket);
        this.output = new FrameOutput(name, socket, failure -> closeSocket());
    }

    @Override
    public void send(Frame frame) throws IOException {
        output.send(frame);
    }

    @Override
    public Optional<Frame> receive() throws IOException {
        try {
            return input.frame();
        } catch (ClosedChannelException e) {
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        output.close();
        closeSocket();
    }

    private void closeSocket() {
        try {
            socket.close();
        } catch (IOException e) {
            // The descriptor is gone all the same (close(2)), and nobody is left to use it.
        }
    }
}
