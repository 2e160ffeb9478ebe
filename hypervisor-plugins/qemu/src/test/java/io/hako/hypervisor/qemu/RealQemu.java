// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.device.VirtioFsShare;
import io.hako.api.driver.ProcessSpec;
import io.hako.api.types.Confinement;
import io.hako.api.types.DeviceId;
import io.hako.api.types.MemorySize;
import io.hako.api.types.OwnerId;
import io.hako.api.types.PassedFile;
import io.hako.contract.Testbed;
import io.hako.fake.node.FixedSettings;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.Assume;

/**
 * The programs of this machine that tests of real machines need; such tests are skipped without
 * them.
 */
final class RealQemu {
    private static final Path QEMU = new QemuSettings().binary();
    private static final Path VIRTIOFSD = Path.of("/usr/lib/qemu/virtiofsd");
    private static final OwnerId BACKENDS = new OwnerId("test", "backends");

    private RealQemu() {}

    static QemuSettings settings() {
        return Samples.settings(QEMU);
    }

    static void assumeInstalled() {
        Assume.assumeTrue(
                "Skipped: %s is not installed.".formatted(QEMU), Files.isExecutable(QEMU));
    }

    /** A share whose backend runs, for one machine to connect to once. */
    static VirtioFsShare share(Testbed testbed, int number, Path directory) {
        Assume.assumeTrue(
                "Skipped: %s is not installed.".formatted(VIRTIOFSD),
                Files.isExecutable(VIRTIOFSD));
        Assume.assumeTrue(
                "Skipped: virtiofsd needs root.", "root".equals(System.getProperty("user.name")));
        var context = testbed.context(BACKENDS, "s" + number, new FixedSettings());
        Path socket = context.workspace().resolve("fs.sock");
        context.launch(
                new ProcessSpec(
                        "virtiofsd-" + number,
                        List.of(
                                VIRTIOFSD.toString(),
                                "--fd=3",
                                "-f",
                                "-o",
                                "source=" + directory + ",sandbox=chroot"),
                        Map.of(),
                        List.of(new PassedFile.ListeningSocket("fs-" + number, socket)),
                        Optional.empty(),
                        Confinement.NONE,
                        MemorySize.ofKibibytes(16)),
                testbed.call());
        return new VirtioFsShare(new DeviceId(number + "-share"), "tag" + number, socket);
    }
}
