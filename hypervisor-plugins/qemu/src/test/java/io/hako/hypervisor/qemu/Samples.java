// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.device.BlockDisk;
import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.device.NinePShare;
import io.hako.api.device.PersistentMemory;
import io.hako.api.device.TapInterface;
import io.hako.api.device.VhostUserInterface;
import io.hako.api.device.VirtioFsShare;
import io.hako.api.hypervisor.BootSource;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DeviceId;
import io.hako.api.types.MacAddress;
import io.hako.api.types.MemorySize;
import io.hako.api.types.NetworkNamespace;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Values that the driver is tried with. */
final class Samples {
    private Samples() {}

    static QemuSettings settings(Path binary) {
        QemuSettings defaults = new QemuSettings();
        return new QemuSettings(
                binary,
                defaults.firmware(),
                AcceleratorChoice.TCG,
                defaults.machine(),
                defaults.translationCache(),
                2,
                defaults.consoleKept());
    }

    static VmSpec spec(Path kernel, Path initramfs, Device... devices) {
        return new VmSpec(
                new CpuCount(1),
                new CpuCount(3),
                MemorySize.ofMebibytes(128),
                MemorySize.ofMebibytes(256),
                MemorySize.ZERO,
                new BootSource(kernel, initramfs, List.of("quiet")),
                List.of(devices),
                Optional.empty());
    }

    static Device device(DeviceKind kind, int number, Path directory) {
        DeviceId id = new DeviceId(number + "-device");
        Path path = directory.resolve("s" + number);
        MacAddress mac = new MacAddress("02:00:00:00:00:%02x".formatted(number));
        return switch (kind) {
            case BLOCK_DISK -> new BlockDisk(id, path, false, "disk" + number);
            case PERSISTENT_MEMORY -> new PersistentMemory(id, path, PersistentMemory.ALIGNMENT);
            case VIRTIO_FS_SHARE -> new VirtioFsShare(id, "tag" + number, path);
            case NINE_P_SHARE -> new NinePShare(id, "tag" + number, path, true);
            case TAP_INTERFACE ->
                    new TapInterface(
                            id,
                            mac,
                            1500,
                            "tap" + number,
                            new NetworkNamespace(Path.of("/run/netns/sample")),
                            1);
            case VHOST_USER_INTERFACE -> new VhostUserInterface(id, mac, 1500, path, 1, 256);
        };
    }
}
