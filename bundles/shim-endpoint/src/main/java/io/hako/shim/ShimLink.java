// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import com.google.protobuf.ByteString;
import io.hako.api.types.DriverException;
import io.hako.host.shim.ShimClient;
import io.hako.host.shim.ShimHello;
import io.hako.host.shim.ShimIdentity;
import io.hako.ttrpc.Frame;
import io.hako.ttrpc.FrameInput;
import io.hako.ttrpc.FrameOutput;
import io.hako.ttrpc.Peer;
import io.hako.ttrpc.ServerConnection;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One shim's link (protocols/shim/shim.proto): the greeting, then frames of many connections, each
 * sent on to whom it is for.
 *
 * <p>Connection 0 is hakod's own, on which it asks the shim; connection N is containerd's N-th
 * connection to the shim, served by Task services.
 */
final class ShimLink implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ShimLink.class);
    private static final int HELLO = 0x80;
    private static final int CLOSED = 0x81;
    private static final int OWN_CONNECTION = 0;

    private record Served(LinkConnection channel, ServerConnection connection, Thread thread) {}

    private final SocketChannel socket;
    private final LinkHost host;
    private final FrameInput input;
    private final FrameOutput output;
    private final LinkConnection own =
            new LinkConnection(frame -> send(OWN_CONNECTION, frame), this::close);
    private final Map<Integer, Served> served = new HashMap<>();

    ShimLink(SocketChannel socket, LinkHost host) {
        this.socket = socket;
        this.host = host;
        this.input = new FrameInput(socket);
        this.output = new FrameOutput("shim-link", socket, failure -> close());
    }

    /** Serves the link on the calling thread, which must not be interrupted, until it ends. */
    void serve() {
        try {
            Optional<ShimIdentity> greeted = greet();
            if (greeted.isPresent()) {
                serve(greeted.get());
            }
        } catch (ProtocolException | DriverException e) {
            LOG.warn("A shim's link is dropped: {}", e.getMessage());
        } catch (IOException e) {
            LOG.debug("A shim's link ended: {}", e.toString());
        } finally {
            close();
        }
    }

    private Optional<ShimIdentity> greet() throws IOException {
        OptionalInt connection = input.word();
        if (connection.isEmpty()) {
            return Optional.empty();
        }
        Frame first = frame();
        if (connection.getAsInt() != OWN_CONNECTION || first.type() != HELLO) {
            throw new ProtocolException(
                    "it began with a frame of type %d on connection %s instead of a greeting."
                            .formatted(
                                    first.type(), Integer.toUnsignedString(connection.getAsInt())));
        }
        ShimHello hello = ShimHello.read(first.payload());
        if (hello.highestEpoch() > host.epoch()) {
            throw new ProtocolException(
                    "the shim of sandbox %s has been linked with a newer hakod (epoch %d, this one is %d)."
                            .formatted(
                                    hello.identity().owner(), hello.highestEpoch(), host.epoch()));
        }
        int pid = Math.toIntExact(ProcessHandle.current().pid());
        send(OWN_CONNECTION, new Frame(0, HELLO, 0, ShimHello.answer(host.epoch(), pid)));
        return Optional.of(hello.identity());
    }

    private void serve(ShimIdentity identity) throws IOException {
        ShimClient shim =
                new ShimClient(
                        identity,
                        own,
                        () -> LOG.debug("The link of {} has ended.", identity.owner()));
        LOG.info("The shim of sandbox {} is linked (pid {}).", identity.owner(), identity.pid());
        host.linked(shim, this);
        try {
            for (OptionalInt next = input.word(); next.isPresent(); next = input.word()) {
                dispatch(identity, next.getAsInt(), frame());
            }
        } finally {
            own.end();
            served.values().forEach(each -> each.channel().end());
            host.lost(shim, this);
            shim.close();
            LOG.info("The link with the shim of sandbox {} is gone.", identity.owner());
        }
    }

    private Frame frame() throws IOException {
        return input.frame()
                .orElseThrow(
                        () ->
                                new ProtocolException(
                                        "the stream ended after a connection's number."));
    }

    private void dispatch(ShimIdentity identity, int connection, Frame frame) throws IOException {
        if (connection == OWN_CONNECTION) {
            own.deliver(frame);
        } else if (frame.type() == CLOSED) {
            Optional.ofNullable(served.remove(connection)).ifPresent(each -> each.channel().end());
        } else if (frame.type() == Frame.REQUEST) {
            served.computeIfAbsent(connection, number -> serve(identity, number))
                    .channel()
                    .deliver(frame);
        } else {
            throw new ProtocolException(
                    "a frame of type %d came on connection %s of sandbox %s."
                            .formatted(
                                    frame.type(),
                                    Integer.toUnsignedString(connection),
                                    identity.owner()));
        }
    }

    private Served serve(ShimIdentity identity, int connection) {
        String name =
                "task %s %s".formatted(identity.owner(), Integer.toUnsignedString(connection));
        LinkConnection channel =
                new LinkConnection(frame -> send(connection, frame), () -> sayClosed(connection));
        // The shim's socket is root's; whoever speaks through it is containerd or the hako command.
        ServerConnection server =
                new ServerConnection(
                        name,
                        channel,
                        new Peer("root"),
                        host.tasks().services(identity, connection));
        Thread thread = Thread.ofVirtual().name(name).start(server::serve);
        return new Served(channel, server, thread);
    }

    private void sayClosed(int connection) {
        try {
            send(connection, new Frame(0, CLOSED, 0, ByteString.EMPTY));
        } catch (IOException e) {
            LOG.debug("The link ended before its connection {} did.", connection);
        }
    }

    private void send(int connection, Frame frame) throws IOException {
        output.send(connection, frame);
    }

    /** Ends the link, from any thread. */
    @Override
    public void close() {
        output.close();
        try {
            socket.close();
        } catch (IOException e) {
            // The descriptor is gone all the same (close(2)).
        }
    }

    /** Waits for the handlers of containerd's requests, after {@link #serve()} has ended. */
    void join(Duration limit) throws InterruptedException {
        for (Served each : served.values()) {
            each.thread().join(limit);
            each.connection().join(limit);
        }
    }
}
