// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static io.hako.sandbox.pod.Bench.OWNER;
import static io.hako.sandbox.pod.Bench.WEB;
import static io.hako.sandbox.pod.Bench.call;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.hako.api.host.Link;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import io.hako.guest.GuestNetwork;
import io.hako.host.NetworkState.Prefix;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** What becomes of a pod's network while it runs comes to its guest. */
public class NetworkFollowerTest {
    private static final NetworkNamespace CNI = new NetworkNamespace(Path.of("/run/netns/cni-1"));

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Bench bench;
    private Bench.Run hakod;

    @Before
    public void aPodOnAnInterfaceThatItsCallerMade() throws IOException {
        bench = new Bench(folder.getRoot().toPath());
        bench.outside.network().foreign(CNI, "eth0", "veth", Prefix.of("172.20.0.9/24"));
        bench.givenNetwork(CNI.path());
        hakod = bench.start();
        hakod.run("web");
    }

    @Test
    public void aChangeComesToTheGuestAndToTheTap() {
        change(1400, "172.20.0.10/24");
        awaitGuest(1400, "172.20.0.10/24");
        assertEquals(List.of(1400), tapMtus());
        end();
    }

    @Test
    public void theGuestKeepsToTheLargestMtuThatItsInterfaceWasMadeFor() {
        change(9000, "172.20.0.10/24");
        awaitGuest(1450, "172.20.0.10/24");
        change(9000, "172.20.0.11/24");
        awaitGuest(1450, "172.20.0.11/24");
        end();
    }

    @Test
    public void whatChangedWhileNoDaemonRanComesWithTheNext() {
        hakod.kill();
        change(1400, "172.20.0.10/24");
        assertEquals(
                List.of("172.20.0.9/24"),
                bench.outside.agent().network().interfaces().getFirst().addresses());
        hakod = bench.start();
        hakod.service.resume(OWNER, "web", call());
        awaitGuest(1400, "172.20.0.10/24");
        change(1300, "172.20.0.11/24");
        awaitGuest(1300, "172.20.0.11/24");
        end();
    }

    @Test
    public void whatTheGuestRefusesIsTriedAgain() {
        bench.outside
                .agent()
                .refuseNetwork(new DriverException(FailureKind.INTERNAL, "The link is busy."), 2);
        change(1400, "172.20.0.10/24");
        awaitGuest(1400, "172.20.0.10/24");
        end();
    }

    @Test
    public void anInterfaceThatComesLaterLeavesTheOthersAsTheyAre() {
        bench.outside.network().joined(CNI, "eth1");
        change(1400, "172.20.0.10/24");
        awaitGuest(1400, "172.20.0.10/24");
        assertEquals(1, bench.outside.agent().network().interfaces().size());
        end();
    }

    private List<Integer> tapMtus() {
        return hakod.machine.links(CNI).list(call()).stream()
                .filter(link -> link.type().equals("tun"))
                .map(Link::mtu)
                .toList();
    }

    private void change(int mtu, String address) {
        bench.outside.network().changed(CNI, "eth0", mtu, Prefix.of(address));
    }

    private void awaitGuest(int mtu, String address) {
        Bench.eventually(
                "the guest has %s".formatted(address),
                () -> {
                    GuestNetwork.Interface eth0 =
                            bench.outside.agent().network().interfaces().getFirst();
                    return eth0.mtu() == mtu && eth0.addresses().equals(List.of(address));
                });
    }

    private void end() {
        bench.outside.agent().end("web", "", 0);
        assertEquals(0, hakod.await(WEB).status());
        hakod.service.delete(hakod.key(), WEB, call());
        hakod.shutdown();
        assertTrue(bench.outside.left().toString(), bench.isClean());
        assertEquals("nobody looks any more", 0, bench.outside.network().watches());
    }
}
