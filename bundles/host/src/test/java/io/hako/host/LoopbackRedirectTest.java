// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import io.hako.api.types.Call;
import io.hako.host.linux.Libc;
import io.hako.host.linux.NetworkNamespaces;
import io.hako.ttrpc.CallScope;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** In a network namespace of the test's own; needs root. */
public class LoopbackRedirectTest {
    private static final List<String> BOTH = List.of("127.0.0.1", "::1");

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    @Rule public final Timeout limit = Timeout.seconds(60);

    @Rule public final HeldNamespace pod = new HeldNamespace();

    private LinuxMachine machine;
    private NetworkEditor editor;

    @Before
    public void start() {
        machine = new LinuxMachine(folder.getRoot().toPath());
        machine.links(pod.network()).setUp("lo", true, call());
        editor = machine.network(pod.network());
    }

    @After
    public void stop() {
        machine.stop();
    }

    @Test
    public void whatIsOpenedToTheLoopbackComesToThePort() throws Exception {
        try (ServerSocketChannel four = listening(BOTH.getFirst());
                ServerSocketChannel six = listening(BOTH.getLast())) {
            editor.redirectLoopback(1, OptionalInt.empty(), call());
            editor.redirectLoopback(port(four), OptionalInt.of(port(six)), call());
            for (ServerSocketChannel server : List.of(four, six)) {
                String address =
                        ((InetSocketAddress) server.getLocalAddress())
                                .getAddress()
                                .getHostAddress();
                try (SocketChannel client = open(address);
                        SocketChannel accepted = server.accept()) {
                    assertEquals(client.getLocalAddress(), accepted.getRemoteAddress());
                }
            }
            editor.stopRedirectLoopback(call());
            editor.stopRedirectLoopback(call());
            for (String address : BOTH) {
                assertThrows(ConnectException.class, () -> open(address));
            }
        }
    }

    @Test
    public void otherAddressesAreLeftAlone() throws Exception {
        pod.run("ip", "address", "add", "10.1.2.3/32", "dev", "lo");
        try (ServerSocketChannel server = listening("127.0.0.1")) {
            editor.redirectLoopback(port(server), OptionalInt.empty(), call());
            assertThrows(ConnectException.class, () -> open("10.1.2.3"));
            assertThrows(ConnectException.class, () -> open("::1"));
        }
    }

    private ServerSocketChannel listening(String address) throws Exception {
        return inside(() -> ServerSocketChannel.open().bind(new InetSocketAddress(address, 0)));
    }

    /** To a port where nobody listens. */
    private SocketChannel open(String address) throws Exception {
        return inside(() -> SocketChannel.open(new InetSocketAddress(address, 80)));
    }

    private <T> T inside(java.util.concurrent.Callable<T> task) throws Exception {
        return new NetworkNamespaces(Libc.load()).in(pod.network(), task);
    }

    private static int port(ServerSocketChannel server) throws IOException {
        return ((InetSocketAddress) server.getLocalAddress()).getPort();
    }

    private static Call call() {
        return CallScope.within(Duration.ofSeconds(20));
    }
}
