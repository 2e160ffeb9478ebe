// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.driver.Settings;
import io.hako.api.hypervisor.Hypervisor;
import io.hako.api.hypervisor.VmSpec;
import io.hako.fake.FakeHypervisor;
import io.hako.fake.FakeSettings;
import io.hako.fake.node.FakeNode;
import io.hako.fake.node.FixedSettings;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;

public class FakeHypervisorContractTest extends HypervisorContract {
    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    @Override
    protected Testbed newTestbed() {
        return new FakeTestbed(new FakeNode(temporary.getRoot().toPath()));
    }

    @Override
    protected Hypervisor newDriver() {
        return new FakeHypervisor();
    }

    @Override
    protected Settings settings() {
        return new FixedSettings(new FakeSettings());
    }

    @Override
    protected VmSpec spec() {
        return Samples.spec();
    }

    @Override
    protected Device device(DeviceKind kind, int number) {
        return Samples.device(kind, number);
    }
}
