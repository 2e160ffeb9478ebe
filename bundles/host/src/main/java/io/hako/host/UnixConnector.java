// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Names;
import java.io.IOException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;

/** Connects to unix sockets that somebody may only be about to listen on. */
final class UnixConnector {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(1);
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(50);

    private UnixConnector() {}

    /**
     * Tries until something listens there or the call's time is over.
     *
     * @param name a path that the connection's own end is bound to; no file is left there
     */
    static SocketChannel connect(Path socket, Path name, Call call) {
        Names.socket("The path of a socket", socket);
        Duration pause = FIRST_PAUSE;
        while (true) {
            try {
                return connectOnce(socket, name);
            } catch (ConnectException e) {
                pause = waitToTryAgain(socket, pause, call, e);
            } catch (IOException e) {
                throw failure(socket, e);
            }
        }
    }

    private static SocketChannel connectOnce(Path socket, Path name) throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            channel.bind(UnixDomainSocketAddress.of(name));
            Files.delete(name);
            channel.connect(UnixDomainSocketAddress.of(socket));
            return channel;
        } catch (IOException e) {
            channel.close();
            throw e;
        }
    }

    private static Duration waitToTryAgain(
            Path socket, Duration pause, Call call, IOException refusal) {
        if (call.remaining().compareTo(pause) <= 0) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "Nothing listens on %s within the time given for it.".formatted(socket),
                    refusal);
        }
        call.checkCancelled();
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DriverException(
                    FailureKind.CANCELLED,
                    "Connecting to %s was interrupted.".formatted(socket),
                    e);
        }
        Duration longer = pause.multipliedBy(2);
        return longer.compareTo(LONGEST_PAUSE) < 0 ? longer : LONGEST_PAUSE;
    }

    private static DriverException failure(Path socket, IOException e) {
        return Files.exists(socket, LinkOption.NOFOLLOW_LINKS)
                ? new DriverException(
                        FailureKind.UNAVAILABLE,
                        "hakod cannot connect to %s: %s".formatted(socket, e.getMessage()),
                        e)
                : new DriverException(
                        FailureKind.NOT_FOUND, "There is no socket %s.".formatted(socket), e);
    }
}
