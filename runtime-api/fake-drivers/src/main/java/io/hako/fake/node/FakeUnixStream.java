// SPDX-License-Identifier: Apache-2.0
package io.hako.fake.node;

import io.hako.api.host.UnixStream;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.KeptFile;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiConsumer;

/** A real connection over a unix socket; files that are sent along are told to the node instead. */
final class FakeUnixStream implements UnixStream {
    private final Path socket;
    private final SocketChannel channel;
    private final BiConsumer<Path, List<KeptFile>> sent;

    private FakeUnixStream(
            Path socket, SocketChannel channel, BiConsumer<Path, List<KeptFile>> sent) {
        this.socket = socket;
        this.channel = channel;
        this.sent = sent;
    }

    static FakeUnixStream connect(Path socket, BiConsumer<Path, List<KeptFile>> sent) {
        if (!Files.exists(socket)) {
            throw new DriverException(
                    FailureKind.NOT_FOUND, "There is no socket %s.".formatted(socket));
        }
        try {
            SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
            channel.connect(UnixDomainSocketAddress.of(socket));
            return new FakeUnixStream(socket, channel, sent);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE, "Nothing listens at %s.".formatted(socket), e);
        }
    }

    @Override
    public void write(ByteBuffer bytes, List<KeptFile> files) {
        if (!files.isEmpty()) {
            sent.accept(socket, files);
        }
        try {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        } catch (IOException e) {
            throw broken(e);
        }
    }

    /** The other one is only closed: whoever plays the other side does not miss it. */
    @Override
    public void handOver(ByteBuffer bytes, UnixStream other) {
        write(bytes, List.of());
        other.close();
    }

    @Override
    public int read(ByteBuffer bytes) {
        try {
            return channel.read(bytes);
        } catch (ClosedChannelException e) {
            return -1;
        } catch (IOException e) {
            throw broken(e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw broken(e);
        }
    }

    private DriverException broken(IOException cause) {
        return new DriverException(
                FailureKind.UNAVAILABLE, "The connection to %s broke.".formatted(socket), cause);
    }
}
