// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static io.hako.sandbox.pod.Bench.OWNER;
import static io.hako.sandbox.pod.Bench.WEB;
import static io.hako.sandbox.pod.Bench.call;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.api.host.Link;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import io.hako.guest.GuestNetwork;
import io.hako.host.NetworkEditor;
import io.hako.host.NetworkState;
import io.hako.host.NetworkState.Prefix;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The network that a pod gets, and what is left of it. */
public class PodNetworkTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;

    @Before
    public void makeBench() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
    }

    @Test
    public void aPodIsLinkedToItsHostByAVethPairWhoseEndsAreNeighbours() throws IOException {
        bench.network("veth");
        Bench.Run hakod = bench.start();
        hakod.run("web");
        JsonObject shown = network(hakod);
        String host = shown.get("host_address").getAsString();
        String pod = shown.get("address").getAsString();
        String link = shown.get("host_link").getAsString();
        NetworkState outside = hakod.machine.network(NetworkEditor.HOST).read(call());
        assertEquals(
                List.of(new NetworkState.Address(link, Prefix.of(host + "/31"))),
                outside.addresses());
        assertTrue(
                outside.links().stream()
                        .anyMatch(l -> l.name().equals(link) && l.up() && l.type().equals("veth")));
        assertEquals(Prefix.of(host + "/31").toString(), neighbour(pod) + "/31");
        NetworkNamespace inside =
                new NetworkNamespace(Path.of(shown.get("namespace").getAsString()));
        Link end = hakod.machine.links(inside).find("eth0", call()).orElseThrow();
        GuestNetwork told = bench.outside.agent().network();
        assertEquals(
                List.of(
                        new GuestNetwork.Interface(
                                end.mac().orElseThrow(), "eth0", 1500, List.of(pod + "/31"))),
                told.interfaces());
        assertEquals(
                List.of(new GuestNetwork.Route("", host, "", "eth0", 0, 0, 0, false, false)),
                told.routes());
        assertEquals("fake", hakod.service.find("web").drivers().get("network"));
    }

    /** The even one of two (RFC 3021). */
    private static String neighbour(String address) {
        int dot = address.lastIndexOf('.');
        return address.substring(0, dot + 1) + (Integer.parseInt(address.substring(dot + 1)) & ~1);
    }

    @Test
    public void aContainerFindsItsOwnNameInHosts() throws IOException {
        bench.network("veth");
        Bench.Run hakod = bench.start();
        hakod.run("web");
        Path files = bench.outside.pod().resolve("files/web");
        assertEquals("box\n", Files.readString(files.resolve("hostname")));
        assertTrue(
                Files.readString(files.resolve("hosts"))
                        .endsWith(network(hakod).get("address").getAsString() + "\tbox\n"));
        end(hakod);
        assertFalse(Files.exists(files));
    }

    @Test
    public void nothingOfANetworkIsLeft() throws IOException {
        bench.network("veth");
        Bench.Run hakod = bench.start();
        hakod.run("web");
        List<String> left = bench.outside.left();
        assertTrue(left.toString(), left.stream().anyMatch(one -> one.startsWith("link hako-")));
        assertTrue(
                left.toString(), left.stream().anyMatch(one -> one.startsWith("redirect on eth0")));
        assertTrue(left.toString(), left.contains("mount netns"));
        end(hakod);
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void theLinkGoesEvenIfTheShimHasDied() throws IOException {
        bench.network("veth");
        Bench.Run hakod = bench.start();
        hakod.run("web");
        hakod.kill();
        bench.outside.killShim();
        Bench.Run next = bench.begin(daemon -> {});
        Bench.eventually("the pod is gone", () -> next.service.list().isEmpty());
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void anAdoptedPodKeepsItsNetworkAndItsDriver() throws IOException {
        bench.network("veth");
        Bench.Run first = bench.start();
        first.run("web");
        JsonObject before = network(first);
        first.kill();
        Bench.Run next = bench.start();
        next.service.resume(OWNER, "web", call());
        assertEquals(before, network(next));
        assertEquals("fake", next.service.find("web").drivers().get("network"));
        end(next);
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    @Test
    public void anInterfaceThatTheCallerMadeBecomesTheGuests() throws IOException {
        NetworkNamespace cni = new NetworkNamespace(Path.of("/run/netns/cni-1"));
        bench.outside.network().foreign(cni, "eth7", "veth", Prefix.of("172.20.0.9/24"));
        bench.givenNetwork(cni.path());
        Bench.Run hakod = bench.start();
        hakod.run("web");
        GuestNetwork told = bench.outside.agent().network();
        assertEquals(List.of("172.20.0.9/24"), told.interfaces().getFirst().addresses());
        assertEquals("eth7", told.interfaces().getFirst().name());
        assertEquals(1450, told.interfaces().getFirst().mtu());
        assertFalse(
                JsonParser.parseString(hakod.service.inspect("web"))
                        .getAsJsonObject()
                        .has("network"));
        end(hakod);
        assertTrue(bench.outside.left().toString(), bench.isClean());
        assertEquals("the caller's link stays", 1, hakod.machine.links(cni).list(call()).size());
    }

    @Test
    public void anInterfaceThatNoDriverConnectsIsRefusedBeforeAnythingIsMade() throws IOException {
        NetworkNamespace cni = new NetworkNamespace(Path.of("/run/netns/cni-2"));
        bench.outside.network().foreign(cni, "eth0", "ipvlan", Prefix.of("172.20.0.9/24"));
        bench.givenNetwork(cni.path());
        refused(
                FailureKind.UNSUPPORTED,
                "No network driver can connect the pod: network/fake does not connect an interface of kind IPVLAN.");
    }

    @Test
    public void thisHostsOwnNamespaceIsRefusedByWhateverPath() throws IOException {
        bench.givenNetwork(Path.of("/proc/thread-self/ns/net"));
        refused(
                FailureKind.UNSUPPORTED,
                "The network namespace /proc/thread-self/ns/net is this host's own, which no guest can be given: make the pod one of its own.");
    }

    @Test
    public void anUnknownNetworkIsRefused() throws IOException {
        bench.network("bridge");
        refused(
                FailureKind.INVALID_REQUEST,
                "The annotation io.hako.network is \"none\" or \"veth\", but is \"bridge\".");
    }

    @Test
    public void aRangeThatThisHostIsInItselfIsRefusedWithWhatToDo() throws IOException {
        bench.network("veth");
        bench.outside.network().hostAddress("10.0.0.1/8");
        refused(
                FailureKind.EXHAUSTED,
                "No address in 10.213.0.0/16 is free for a pod: pods have 0 of its 32768 pairs, and this host has"
                        + " addresses in or routes to the rest: set range in [veth] to another one.");
    }

    @Test
    public void withoutANetworkOnlyLoopbackIsThere() throws IOException {
        Bench.Run hakod = bench.start();
        hakod.run("web");
        assertEquals(GuestNetwork.NONE, bench.outside.agent().network());
        assertTrue(
                bench.outside.left().toString(),
                bench.outside.left().stream().noneMatch(left -> left.startsWith("link")));
        assertFalse(hakod.service.find("web").drivers().containsKey("network"));
    }

    private void refused(FailureKind kind, String sentence) {
        Bench.Run hakod = bench.start();
        DriverException refusal = assertThrows(DriverException.class, () -> hakod.create("web"));
        assertEquals(sentence, refusal.getMessage());
        assertEquals(kind, refusal.failure());
        assertTrue(bench.outside.left().toString(), bench.isClean());
    }

    private static JsonObject network(Bench.Run hakod) {
        return JsonParser.parseString(hakod.service.inspect("web"))
                .getAsJsonObject()
                .getAsJsonObject("network");
    }

    private void end(Bench.Run hakod) {
        bench.outside.agent().end("web", "", 0);
        assertEquals(0, hakod.await(WEB).status());
        hakod.service.delete(hakod.key(), WEB, call());
        hakod.shutdown();
    }
}
