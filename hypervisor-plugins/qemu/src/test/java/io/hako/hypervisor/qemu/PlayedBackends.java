// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.rules.ExternalResource;

/** Sockets that listen as backends of devices do, and never answer. */
final class PlayedBackends extends ExternalResource {
    private final List<ServerSocketChannel> listeners = new ArrayList<>();

    /** Listens there, unless something does. */
    void listen(Path socket) {
        if (Files.exists(socket)) {
            return;
        }
        try {
            listeners.add(
                    ServerSocketChannel.open(StandardProtocolFamily.UNIX)
                            .bind(UnixDomainSocketAddress.of(socket)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    protected void after() {
        for (ServerSocketChannel listener : listeners) {
            try {
                listener.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
