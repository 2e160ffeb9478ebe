// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.ttrpc.UnixListener;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.felix.service.command.CommandProcessor;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * The Felix shell on RUN/shell.sock, a session for each connection. Whoever may connect may install
 * code: the socket is its owner's alone, and is as good as being root.
 */
@Component(service = Shell.class, immediate = true)
public final class Shell {
    private final CommandProcessor processor;
    private final Set<ShellSession> sessions = ConcurrentHashMap.newKeySet();
    private final UnixListener listener;

    @Activate
    public Shell(@Reference CommandProcessor processor, @Reference Operations operations) {
        this.processor = processor;
        this.listener =
                UnixListener.listen(
                        operations.directory("hako.run").resolve("shell.sock"), this::accept);
    }

    private void accept(SocketChannel socket) {
        ShellSession session = new ShellSession(processor, socket);
        sessions.add(session);
        Thread.ofVirtual()
                .name("shell")
                .start(
                        () -> {
                            session.serve();
                            sessions.remove(session);
                        });
    }

    @Deactivate
    void close() {
        listener.close();
        sessions.forEach(ShellSession::close);
    }
}
