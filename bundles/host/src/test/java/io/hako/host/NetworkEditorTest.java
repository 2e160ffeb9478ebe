// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;

import io.hako.api.host.Link;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MacAddress;
import io.hako.host.NetworkState.Address;
import io.hako.host.NetworkState.Neighbour;
import io.hako.host.NetworkState.Prefix;
import io.hako.host.NetworkState.Route;
import io.hako.host.linux.Libc;
import io.hako.host.linux.NetworkNamespaces;
import io.hako.ttrpc.CallScope;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;
import org.junit.rules.Timeout;

/** Between two network namespaces of the test's own; needs root. */
public class NetworkEditorTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    @Rule public final Timeout limit = Timeout.seconds(60);

    @Rule public final HeldNamespace outside = new HeldNamespace();

    @Rule public final HeldNamespace inside = new HeldNamespace();

    private LinuxMachine machine;
    private NetworkEditor host;
    private NetworkEditor pod;

    @Before
    public void start() {
        machine = new LinuxMachine(folder.getRoot().toPath());
        host = machine.network(outside.network());
        pod = machine.network(inside.network());
    }

    @After
    public void stop() {
        machine.stop();
    }

    @Test
    public void vethJoinsTwoNamespacesAndCarriesPackets() throws Exception {
        host.createVeth("veth-a", "eth0", inside.network(), call());
        host.createVeth("veth-a", "eth0", inside.network(), call());
        give(host, "veth-a", "10.111.0.1/30");
        give(pod, "eth0", "10.111.0.2/30");
        machine.links(outside.network()).setUp("veth-a", true, call());
        machine.links(inside.network()).setUp("eth0", true, call());

        // A socket stays in the namespace that its thread was in.
        NetworkNamespaces namespaces = new NetworkNamespaces(Libc.load());
        InetSocketAddress address = new InetSocketAddress("10.111.0.1", 7);
        try (ServerSocketChannel server =
                        namespaces.in(
                                outside.network(), () -> ServerSocketChannel.open().bind(address));
                SocketChannel client =
                        namespaces.in(inside.network(), () -> SocketChannel.open(address));
                SocketChannel accepted = server.accept()) {
            assertEquals(
                    InetAddress.ofLiteral("10.111.0.2"),
                    ((InetSocketAddress) accepted.getRemoteAddress()).getAddress());
            assertTrue(client.isConnected());
        }
        assertEquals(
                Optional.of("veth"),
                machine.links(inside.network()).find("eth0", call()).map(Link::type));
    }

    @Test
    public void nameThatSomethingElseHasIsRefused() {
        machine.links(outside.network()).createTap("veth-a", 1, call());

        DriverException failure =
                assertThrows(
                        DriverException.class,
                        () -> host.createVeth("veth-a", "eth0", inside.network(), call()));

        assertEquals(FailureKind.ALREADY_EXISTS, failure.failure());
        assertTrue(
                failure.getMessage(),
                failure.getMessage().contains("the name veth-a or eth0 is taken"));
    }

    @Test
    public void vethOfAnotherPodIsNotTakenForThisOne() {
        host.createVeth("veth-a", "veth-b", outside.network(), call());

        DriverException failure =
                assertThrows(
                        DriverException.class,
                        () -> host.createVeth("veth-a", "eth0", inside.network(), call()));

        assertEquals(FailureKind.ALREADY_EXISTS, failure.failure());
    }

    @Test
    public void whatWasAddedIsRead() throws Exception {
        assumeTrue("ip is not there", Files.isExecutable(Path.of("/sbin/ip")));
        host.createVeth("veth-a", "eth0", inside.network(), call());
        machine.links(outside.network()).setUp("veth-a", true, call());
        machine.links(inside.network()).setUp("eth0", true, call());
        give(pod, "eth0", "10.111.0.2/24");
        give(pod, "eth0", "fd00:111::2/64");
        Route byDefault = Route.byDefault(InetAddress.ofLiteral("10.111.0.1"), "eth0");
        Route special =
                new Route(
                        Optional.of(Prefix.of("10.9.0.0/16")),
                        Optional.of(InetAddress.ofLiteral("10.111.0.1")),
                        Optional.of(InetAddress.ofLiteral("10.111.0.2")),
                        "eth0",
                        0,
                        1300,
                        7,
                        false,
                        false);
        Route ipv6 =
                new Route(
                        Optional.of(Prefix.of("fd00:9::/32")),
                        Optional.of(InetAddress.ofLiteral("fd00:111::1")),
                        Optional.empty(),
                        "eth0",
                        0,
                        0,
                        1024,
                        true,
                        false);
        Route onlink =
                new Route(
                        Optional.of(Prefix.of("10.10.0.0/16")),
                        Optional.of(InetAddress.ofLiteral("169.254.1.1")),
                        Optional.empty(),
                        "eth0",
                        0,
                        0,
                        0,
                        false,
                        true);
        for (Route route : List.of(byDefault, special, ipv6, onlink, special)) {
            pod.addRoute(route, call());
        }
        inside.run(
                "ip",
                "neigh",
                "add",
                "10.111.0.1",
                "lladdr",
                "02:00:00:00:00:09",
                "dev",
                "eth0",
                "nud",
                "permanent");

        NetworkState state = pod.read(call());

        assertEquals(
                Set.of("lo", "eth0"),
                state.links().stream().map(Link::name).collect(Collectors.toSet()));
        Set<Address> addresses = on(state.addresses(), Address::link);
        assertTrue(
                addresses.toString(),
                addresses.containsAll(
                        Set.of(
                                address("eth0", "10.111.0.2/24"),
                                address("eth0", "fd00:111::2/64"))));
        assertTrue(
                "the link's own address: " + addresses,
                addresses.stream().anyMatch(a -> a.prefix().address().isLinkLocalAddress()));
        Set<Route> routes = on(state.routes(), Route::link);
        assertTrue(
                routes.toString(),
                routes.containsAll(
                        Set.of(byDefault, special, ipv6, onlink, connected("10.111.0.0/24"))));
        assertEquals(
                List.of(
                        new Neighbour(
                                InetAddress.ofLiteral("10.111.0.1"),
                                new MacAddress("02:00:00:00:00:09"),
                                "eth0")),
                state.neighbours());
    }

    @Test
    public void routeOnTheLinkNeedsNoGateway() {
        host.createVeth("veth-a", "eth0", inside.network(), call());
        machine.links(outside.network()).setUp("veth-a", true, call());
        Route route =
                new Route(
                        Optional.of(Prefix.of("10.111.0.2")),
                        Optional.empty(),
                        Optional.empty(),
                        "veth-a",
                        253,
                        0,
                        0,
                        false,
                        false);

        host.addRoute(route, call());

        assertTrue(host.read(call()).routes().contains(route));
    }

    @Test
    public void addressOfAnUnknownInterfaceIsNotFound() {
        DriverException failure =
                assertThrows(DriverException.class, () -> give(pod, "eth9", "10.0.0.1/8"));

        assertEquals(FailureKind.NOT_FOUND, failure.failure());
    }

    @Test
    public void textThatIsNoPrefixIsRefused() {
        for (String text : List.of("", "10.0.0.1/33", "10.0.0.1/x", "host/8", "fd00::1/129")) {
            DriverException failure =
                    assertThrows(text, DriverException.class, () -> Prefix.of(text));
            assertEquals(FailureKind.INVALID_REQUEST, failure.failure());
        }
    }

    @Test
    public void newNamespaceIsKeptByWhatTheShimBinds() throws Exception {
        Path file = folder.newFile("netns").toPath();
        try {
            var made = machine.createNetwork(KeepingShim.nothing(), file, call());

            assertEquals(Optional.of(true), machine.links(made).find("lo", call()).map(Link::up));
            assertFalse(machine.links(made).list(call()).isEmpty());
            machine.links(made).createTap("tap0", 1, call());
            machine.createNetwork(KeepingShim.nothing(), file, call());
            assertTrue(machine.links(made).find("tap0", call()).isPresent());
        } finally {
            new ProcessBuilder("umount", "-q", file.toString()).start().waitFor();
        }
    }

    /** As the kernel makes it of the address 10.111.0.2. */
    private static Route connected(String network) {
        return new Route(
                Optional.of(Prefix.of(network)),
                Optional.empty(),
                Optional.of(InetAddress.ofLiteral("10.111.0.2")),
                "eth0",
                253,
                0,
                0,
                false,
                false);
    }

    private static <T> Set<T> on(List<T> all, Function<T, String> link) {
        return all.stream()
                .filter(one -> link.apply(one).equals("eth0"))
                .collect(Collectors.toUnmodifiableSet());
    }

    private static void give(NetworkEditor editor, String link, String prefix) {
        editor.addAddress(address(link, prefix), call());
    }

    private static Address address(String link, String prefix) {
        return new Address(link, Prefix.of(prefix));
    }

    private static CallScope call() {
        return CallScope.within(Duration.ofSeconds(20));
    }
}
