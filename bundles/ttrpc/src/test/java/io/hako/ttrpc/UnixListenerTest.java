// SPDX-License-Identifier: Apache-2.0
package io.hako.ttrpc;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class UnixListenerTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    @Test
    public void socketAndItsNewDirectoryAreTheOwnersAlone() throws IOException {
        Path socket = folder.getRoot().toPath().resolve("run").resolve("a.sock");

        try (UnixListener listener = UnixListener.listen(socket, UnixListenerTest::close)) {
            assertEquals(
                    "rw-------",
                    PosixFilePermissions.toString(Files.getPosixFilePermissions(listener.path())));
            assertEquals(
                    "rwx------",
                    PosixFilePermissions.toString(
                            Files.getPosixFilePermissions(socket.getParent())));
        }
        assertFalse(Files.exists(socket));
    }

    @Test
    public void directoryThatOthersCanEnterIsRefused() throws IOException {
        Path directory = folder.newFolder("open").toPath();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-x--x"));

        DriverException refusal =
                assertThrows(
                        DriverException.class,
                        () ->
                                UnixListener.listen(
                                        directory.resolve("a.sock"), UnixListenerTest::close));

        assertEquals(FailureKind.FAILED_PRECONDITION, refusal.failure());
        assertEquals(
                "hakod does not listen in %s, whose mode is rwxr-x--x: take all rights of others away (chmod 0700)."
                        .formatted(directory),
                refusal.getMessage());
    }

    @Test
    public void fileThatADeadDaemonLeftIsReplaced() throws IOException {
        Path directory = folder.newFolder("left").toPath();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwx------"));
        Path socket = Files.createFile(directory.resolve("a.sock"));

        try (UnixListener listener = UnixListener.listen(socket, UnixListenerTest::close);
                SocketChannel client =
                        SocketChannel.open(java.net.UnixDomainSocketAddress.of(listener.path()))) {
            assertEquals(
                    socket,
                    ((java.net.UnixDomainSocketAddress) client.getRemoteAddress()).getPath());
        }
    }

    private static void close(SocketChannel socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
