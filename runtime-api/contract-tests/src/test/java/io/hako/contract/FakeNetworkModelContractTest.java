// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import io.hako.api.driver.Settings;
import io.hako.api.network.LinkKind;
import io.hako.api.network.NetworkModel;
import io.hako.api.network.NetworkSource;
import io.hako.api.types.MacAddress;
import io.hako.api.types.NetworkNamespace;
import io.hako.fake.FakeNetworkModel;
import io.hako.fake.FakeSettings;
import io.hako.fake.node.FakeNode;
import io.hako.fake.node.FixedSettings;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;

public class FakeNetworkModelContractTest extends NetworkModelContract {
    private static final NetworkNamespace NETWORK = new NetworkNamespace(Path.of("/run/netns/pod"));
    private static final MacAddress MAC = new MacAddress("02:00:00:00:00:01");

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    @Override
    protected Testbed newTestbed() {
        FakeNode node = new FakeNode(temporary.getRoot().toPath());
        node.addLink(NETWORK, "eth0", "veth", MAC);
        return new FakeTestbed(node);
    }

    @Override
    protected NetworkModel newDriver() {
        return new FakeNetworkModel();
    }

    @Override
    protected Settings settings() {
        return new FixedSettings(new FakeSettings());
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

    private static NetworkSource link(String name, LinkKind kind, int mtu) {
        return new NetworkSource.PodLink(NETWORK, name, kind, MAC, mtu);
    }
}
