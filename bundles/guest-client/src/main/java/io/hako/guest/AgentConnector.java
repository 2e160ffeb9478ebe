// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.OwnerId;
import io.hako.ttrpc.SocketFrameChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/** {@link Guests} for hako's own agent. */
@Component(service = Guests.class)
public final class AgentConnector implements Guests {
    private static final int AGENT_PORT = 1024;

    private final Set<AgentClient> open = ConcurrentHashMap.newKeySet();

    @Override
    public Guest connect(OwnerId sandbox, Path socket, GuestListener listener, Call call) {
        SocketChannel channel = GuestSocket.connect(socket, AGENT_PORT, call);
        AgentClient client =
                new AgentClient(
                        sandbox,
                        new SocketFrameChannel("agent " + sandbox, channel),
                        listener,
                        open::remove);
        open.add(client);
        try {
            client.greet(call);
            return client;
        } catch (DriverException e) {
            client.close();
            throw e;
        }
    }

    @Deactivate
    void stop() {
        open.forEach(AgentClient::close);
    }
}
