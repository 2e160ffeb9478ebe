// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import jdk.net.ExtendedSocketOptions;

/**
 * Who is at the other end of a unix socket, as the kernel says (SO_PEERCRED, unix(7)).
 *
 * @param user name, or the number where the host knows no name for it
 */
public record Peer(String user) {
    public static Peer of(SocketChannel socket) throws IOException {
        return new Peer(socket.getOption(ExtendedSocketOptions.SO_PEERCRED).user().getName());
    }
}
