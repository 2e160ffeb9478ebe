// SPDX-License-Identifier: Apache-2.0
package io.hako.network.tcfilter;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.hako.api.device.TapInterface;
import io.hako.api.driver.Settings;
import io.hako.api.network.LinkKind;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkModel;
import io.hako.api.network.NetworkSource;
import io.hako.api.network.NetworkSource.PodLink;
import io.hako.api.types.DeviceId;
import io.hako.api.types.MacAddress;
import io.hako.api.types.NetworkNamespace;
import io.hako.contract.FakeTestbed;
import io.hako.contract.NetworkModelContract;
import io.hako.contract.Testbed;
import io.hako.fake.node.FakeNode;
import io.hako.fake.node.FixedSettings;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class TcFilterContractTest extends NetworkModelContract {
    private static final NetworkNamespace NETWORK = new NetworkNamespace(Path.of("/run/netns/pod"));
    private static final MacAddress MAC = new MacAddress("02:00:00:00:00:01");

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    @Override
    protected Testbed newTestbed() {
        FakeNode node = new FakeNode(temporary.getRoot().toPath());
        for (String link : List.of("eth0", "a-long-name.100", "odd:name")) {
            node.addLink(NETWORK, link, "veth", MAC);
        }
        return new FakeTestbed(node);
    }

    @Override
    protected NetworkModel newDriver() {
        return new TcFilterModel();
    }

    @Override
    protected Settings settings() {
        return new FixedSettings();
    }

    @Override
    protected NetworkSource source() {
        return link("eth0", LinkKind.VETH, 1500);
    }

    @Override
    protected NetworkSource changedSource() {
        return link("eth0", LinkKind.VETH, 1400);
    }

    @Override
    protected NetworkSource missingSource() {
        return link("eth7", LinkKind.VETH, 1500);
    }

    @Override
    protected Optional<NetworkSource> refusedSource(LinkKind kind) {
        return Optional.of(
                switch (kind) {
                    case DIRECT_TAP ->
                            new NetworkSource.DirectTap(NETWORK, "eth0", MAC, 1500, "tap0", 1);
                    case DIRECT_VHOST_USER ->
                            new NetworkSource.DirectVhostUser(
                                    "eth0", MAC, 1500, Path.of("/sample"), 1, 256);
                    default -> link("eth0", kind, 1500);
                });
    }

    private static PodLink link(String name, LinkKind kind, int mtu) {
        return new PodLink(NETWORK, name, kind, MAC, mtu);
    }

    private NetworkAttachment connect(NetworkSource source) {
        return newDriver().connect(source, context(), call());
    }

    @Test
    public void theGuestHasTheLinksAddressOnATapBesideIt() {
        TapInterface expected =
                new TapInterface(new DeviceId("tap-eth0"), MAC, 1500, "tap-eth0", NETWORK, 1);
        assertEquals(expected, connect(source()).device());
        var tap = context().host().links(NETWORK).find("tap-eth0", call()).orElseThrow();
        assertTrue(tap.up());
        assertEquals(1500, tap.mtu());
    }

    @Test
    public void aDeviceStaysWhatItIsWhileTheLinkChanges() {
        NetworkAttachment net = connect(source());
        var before = net.device();
        net.update(changedSource(), call());
        assertEquals(before, net.device());
        assertEquals(
                1400, context().host().links(NETWORK).find("tap-eth0", call()).orElseThrow().mtu());
    }

    @Test
    public void aTapThatWentAwayIsMadeAgain() {
        NetworkAttachment net = connect(source());
        List<String> before = testbed().effects(OWNER);
        context().host().links(NETWORK).delete("tap-eth0", call());
        net.update(source(), call());
        assertEquals(before, testbed().effects(OWNER));
    }

    @Test
    public void longAndOddNamesGiveTapsOfTheirOwn() {
        TapInterface lengthy =
                (TapInterface) connect(link("a-long-name.100", LinkKind.VETH, 1500)).device();
        TapInterface odd = (TapInterface) connect(link("odd:name", LinkKind.VETH, 1500)).device();
        for (TapInterface tap : List.of(lengthy, odd)) {
            assertTrue(tap.tap(), tap.tap().matches("tap_[0-9a-f]{10}"));
        }
        assertTrue(!lengthy.tap().equals(odd.tap()));
    }

    @Test
    public void aNamespaceThatLostItsLinkIsLeftWithNothing() {
        NetworkAttachment net = connect(source());
        context().host().links(NETWORK).delete("eth0", call());
        net.destroy(call());
        assertEquals(List.of(), testbed().effects(OWNER));
    }
}
