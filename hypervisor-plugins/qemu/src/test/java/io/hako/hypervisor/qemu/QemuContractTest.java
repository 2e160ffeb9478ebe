// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.device.VirtioFsShare;
import io.hako.api.driver.Settings;
import io.hako.api.hypervisor.Hypervisor;
import io.hako.api.hypervisor.VmSpec;
import io.hako.contract.FakeTestbed;
import io.hako.contract.HypervisorContract;
import io.hako.contract.Testbed;
import io.hako.fake.node.FakeNode;
import io.hako.fake.node.FixedSettings;
import java.nio.file.Path;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;

/** The kit, over a QEMU that is only played: fast, and with failures at every step. */
public class QemuContractTest extends HypervisorContract {
    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    @Rule public final PlayedBackends backends = new PlayedBackends();

    @Override
    protected Testbed newTestbed() {
        FakeNode node = new FakeNode(temporary.getRoot().toPath());
        node.program(
                process -> FakeQemu.start(process, node.listener(OWNER, "vmm-qmp").orElseThrow()));
        return new FakeTestbed(node);
    }

    @Override
    protected Hypervisor newDriver() {
        return new QemuHypervisor();
    }

    @Override
    protected Settings settings() {
        return new FixedSettings(Samples.settings(Path.of("/bin/true")));
    }

    @Override
    protected VmSpec spec() {
        return Samples.spec(Path.of("/bin/true"), Path.of("/bin/true"));
    }

    @Override
    protected Device device(DeviceKind kind, int number) {
        Device device = Samples.device(kind, number, temporary.getRoot().toPath());
        if (device instanceof VirtioFsShare share) {
            backends.listen(share.socket());
        }
        return device;
    }
}
