// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.driver.Settings;
import io.hako.api.hypervisor.Hypervisor;
import io.hako.api.hypervisor.VmSpec;
import io.hako.contract.HypervisorContract;
import io.hako.contract.Testbed;
import io.hako.fake.node.FixedSettings;
import io.hako.testbed.ProcessTestbed;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;

/**
 * The kit, over the machine's own QEMU; its guests are kernels of some bytes. Skipped where QEMU is
 * not installed.
 */
public class QemuProcessContractTest extends HypervisorContract {
    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    private final Map<DeviceKind, Map<Integer, Device>> devices = new EnumMap<>(DeviceKind.class);

    @Override
    protected Testbed newTestbed() throws IOException {
        RealQemu.assumeInstalled();
        TestKernel.HALTS.write(kernel(), "hako");
        Files.writeString(initramfs(), "none");
        return new ProcessTestbed(temporary.newFolder("n").toPath());
    }

    @Override
    protected Hypervisor newDriver() {
        return new QemuHypervisor();
    }

    @Override
    protected Settings settings() {
        return new FixedSettings(RealQemu.settings());
    }

    @Override
    protected VmSpec spec() {
        return Samples.spec(kernel(), initramfs());
    }

    /** It has no drivers. */
    @Override
    protected boolean guestTakesMemory() {
        return false;
    }

    @Override
    protected Device device(DeviceKind kind, int number) {
        return devices.computeIfAbsent(kind, k -> new HashMap<>())
                .computeIfAbsent(number, n -> newDevice(kind, n));
    }

    private Device newDevice(DeviceKind kind, int number) {
        try {
            return kind == DeviceKind.VIRTIO_FS_SHARE
                    ? RealQemu.share(
                            testbed(),
                            number,
                            Files.createDirectories(temporary.getRoot().toPath().resolve("shared")))
                    : Samples.device(kind, number, temporary.getRoot().toPath());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path kernel() {
        return temporary.getRoot().toPath().resolve("kernel");
    }

    private Path initramfs() {
        return temporary.getRoot().toPath().resolve("initramfs");
    }
}
