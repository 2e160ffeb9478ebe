// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.After;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * A guest's interface: it reaches this host and is reached from it, whatever becomes of the daemon.
 */
public class NetworkTest {
    @ClassRule public static final Node NODE = new Node();

    @AfterClass
    public static void theirLinksGoWithThem() {
        List<Path> links = Stream.of("one", "two").map(NetworkTest::hostLink).toList();
        links.forEach(link -> assertTrue(link.toString(), Files.exists(link)));

        NODE.succeed("rm", "-f", "one", "two");

        links.forEach(link -> assertFalse(link.toString(), Files.exists(link)));
        NODE.nothingLeft();
    }

    @BeforeClass
    public static void twoContainersOnTheNetwork() {
        for (String name : List.of("one", "two")) {
            NODE.succeed(with(List.of("run", "-d", "--name", name, "demo"), EchoTraffic.SERVER));
        }
    }

    private static String[] with(List<String> first, String... then) {
        return Stream.concat(first.stream(), Arrays.stream(then)).toArray(String[]::new);
    }

    @After
    public void aDaemonForTheNextTest() {
        NODE.ensureDaemon();
    }

    @Test
    public void guestAndHostPingEachOther() throws IOException {
        NODE.succeed("exec", "one", "ping", "-c", "1", "-W", "10", hostAddress("one"));
        assertTrue(InetAddress.getByName(address("one")).isReachable(10_000));
    }

    @Test
    public void guestAndHostOpenConnectionsToEachOther() throws Exception {
        EchoTraffic.with(address("two")).finish();
        try (ServerSocket server =
                new ServerSocket(0, 1, InetAddress.getByName(hostAddress("two")))) {
            CompletableFuture<String> heard =
                    CompletableFuture.supplyAsync(() -> hear(server), Thread::startVirtualThread);
            NODE.succeed(
                    "exec",
                    "two",
                    "sh",
                    "-c",
                    "echo hello | nc " + hostAddress("two") + " " + server.getLocalPort());
            assertEquals(address("two") + " said hello\n", heard.get());
        }
    }

    private static String hear(ServerSocket server) {
        try (Socket guest = server.accept()) {
            return guest.getInetAddress().getHostAddress()
                    + " said "
                    + new String(guest.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    public void eachContainerHasAnAddressOfItsOwn() {
        assertNotEquals(address("one"), address("two"));
        for (String name : List.of("one", "two")) {
            String shown =
                    NODE.succeed("exec", name, "ip", "-4", "-o", "addr", "show", "dev", "eth0")
                            .text();
            assertTrue(shown, shown.contains(" " + address(name) + "/31 "));
            String gateway = "ip route | sed -n 's/^default via \\([0-9.]*\\) .*/\\1/p'";
            assertEquals(hostAddress(name), NODE.succeed("exec", name, "sh", "-c", gateway).line());
        }
    }

    @Test
    public void aContainerResolvesNamesAsTheHostDoes() throws IOException {
        List<String> hosts = nameservers(Files.readString(Path.of("/etc/resolv.conf")));
        List<String> guests =
                nameservers(NODE.succeed("exec", "one", "cat", "/etc/resolv.conf").text());
        if (!hosts.isEmpty()) {
            assertEquals(hosts, guests);
        }
        assertFalse(
                guests.toString(), guests.stream().anyMatch(server -> server.startsWith("127.")));
        String own =
                NODE.succeed(
                                "exec",
                                "one",
                                "sh",
                                "-c",
                                "grep -w \"$(cat /etc/hostname)\" /etc/hosts")
                        .text();
        assertTrue(own, own.startsWith(address("one") + "\t"));
    }

    /** Those that can be reached from elsewhere. */
    private static List<String> nameservers(String resolverConfiguration) {
        return resolverConfiguration
                .lines()
                .filter(line -> line.startsWith("nameserver "))
                .map(line -> line.substring("nameserver ".length()).strip())
                .filter(
                        server ->
                                !server.startsWith("127.")
                                        && !server.equals("::1")
                                        && !server.contains("%"))
                .toList();
    }

    @Test
    public void aConnectionOutlivesTheDaemon() {
        EchoTraffic traffic = EchoTraffic.with(address("one"));
        traffic.flows();

        NODE.killDaemon();
        traffic.flows();
        NODE.startDaemon();
        traffic.flows();

        traffic.finish();
        List<String> drivers =
                NODE.inspect("one").getAsJsonArray("drivers").asList().stream()
                        .map(handle -> handle.getAsJsonObject().get("driver").getAsString())
                        .toList();
        assertTrue(drivers.toString(), drivers.contains("network/tcfilter"));
    }

    private static Path hostLink(String container) {
        return Path.of("/sys/class/net", network(container).get("host_link").getAsString());
    }

    private static String address(String container) {
        return network(container).get("address").getAsString();
    }

    private static String hostAddress(String container) {
        return network(container).get("host_address").getAsString();
    }

    private static JsonObject network(String container) {
        return NODE.inspect(container).getAsJsonObject("network");
    }
}
