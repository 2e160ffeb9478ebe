// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.shim.proto.events.ForwardRequest;
import io.hako.ttrpc.SocketFrameChannel;
import io.hako.ttrpc.TtrpcClient;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Where one containerd takes events: a ttrpc socket, connected when it is needed, and again after
 * containerd was away. Thread-safe.
 */
final class EventSink implements AutoCloseable {
    private static final String SERVICE = "containerd.services.events.ttrpc.v1.Events";
    private static final String NAMESPACE = "containerd-namespace-ttrpc";
    private static final String SCHEME = "unix://";

    private final String path;
    private final ReentrantLock lock = new ReentrantLock();
    private Optional<TtrpcClient> client = Optional.empty();

    /**
     * @param address a socket's path, also as a unix URL
     */
    EventSink(String address) {
        path = address.startsWith(SCHEME) ? address.substring(SCHEME.length()) : address;
    }

    /**
     * Returns once containerd has the event.
     *
     * @throws DriverException UNAVAILABLE if containerd is not there; else as it answered
     */
    void forward(String namespace, ForwardRequest request, Call call) {
        connected()
                .call(
                        SERVICE,
                        "Forward",
                        request.toByteString(),
                        Map.of(NAMESPACE, namespace),
                        call);
    }

    private TtrpcClient connected() {
        lock.lock();
        try {
            if (client.filter(TtrpcClient::isOpen).isEmpty()) {
                close();
                client = Optional.of(new TtrpcClient("containerd's " + path, open(), () -> {}));
            }
            return client.get();
        } finally {
            lock.unlock();
        }
    }

    private SocketFrameChannel open() {
        try {
            SocketChannel socket = SocketChannel.open(StandardProtocolFamily.UNIX);
            try {
                socket.connect(UnixDomainSocketAddress.of(path));
                return new SocketFrameChannel("containerd-events", socket);
            } catch (IOException e) {
                socket.close();
                throw e;
            }
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "containerd cannot be told of events at %s: %s".formatted(path, e.getMessage()),
                    e);
        }
    }

    /** Ends the connection; the next event makes another one. */
    @Override
    public void close() {
        lock.lock();
        try {
            client.ifPresent(TtrpcClient::close);
            client = Optional.empty();
        } finally {
            lock.unlock();
        }
    }
}
