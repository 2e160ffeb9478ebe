// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Services on a unix socket that only its owner can reach ({@link UnixListener}). */
public final class TtrpcServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(TtrpcServer.class);
    private static final Duration LIMIT_OF_CLOSE = Duration.ofSeconds(4);

    private record Served(ServerConnection connection, Thread thread) {}

    private final List<Service> services;
    private final Map<Long, Served> connections = new ConcurrentHashMap<>();
    private final AtomicLong lastConnection = new AtomicLong();
    private final UnixListener listener;

    private TtrpcServer(Path socket, List<Service> services) {
        this.services = List.copyOf(services);
        this.listener = UnixListener.listen(socket, this::accept);
    }

    /** Binds the socket and serves until closed. */
    public static TtrpcServer listen(Path socket, List<? extends Service> services) {
        return new TtrpcServer(socket, List.copyOf(services));
    }

    private void accept(SocketChannel socket) {
        long number = lastConnection.incrementAndGet();
        String name = "ttrpc-server %s-%d".formatted(socketName(), number);
        SocketFrameChannel channel = new SocketFrameChannel(name, socket);
        try {
            ServerConnection connection =
                    new ServerConnection(name, channel, Peer.of(socket), services);
            Thread thread =
                    Thread.ofVirtual()
                            .name(name)
                            .unstarted(
                                    () -> {
                                        connection.serve();
                                        connections.remove(number);
                                    });
            connections.put(number, new Served(connection, thread));
            thread.start();
        } catch (IOException e) {
            LOG.warn("{}: the peer is not known, so it is not served: {}", name, e.getMessage());
            channel.close();
        }
    }

    private String socketName() {
        return String.valueOf(services.stream().map(Service::name).findFirst().orElse("empty"));
    }

    /**
     * Stops listening, ends all connections, cancels their calls, and waits up to 4 s for the
     * handlers.
     */
    @Override
    public void close() {
        listener.close();
        List<Served> served = List.copyOf(connections.values());
        served.forEach(each -> each.connection().close());
        CallScope scope = CallScope.within(LIMIT_OF_CLOSE);
        try {
            for (Served each : served) {
                each.thread().join(scope.remaining());
                each.connection().join(scope.remaining());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
