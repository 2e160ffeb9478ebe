// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import io.hako.api.types.DriverException;
import io.hako.api.types.MemorySize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.Test;

public class QemuSettingsTest {
    private static final MemorySize CACHE = MemorySize.ofMebibytes(64);
    private static final MemorySize CONSOLE = MemorySize.ofKibibytes(64);

    private static QemuSettings with(
            String machine, MemorySize cache, int ports, MemorySize console) {
        return new QemuSettings(
                Path.of("/q"), "qboot.rom", AcceleratorChoice.AUTO, machine, cache, ports, console);
    }

    private static void refused(String sentence, UnaryOperator<QemuSettings> change) {
        DriverException e =
                assertThrows(DriverException.class, () -> change.apply(new QemuSettings()));
        assertEquals(sentence, e.getMessage());
    }

    @Test
    public void defaults() {
        assertEquals(
                new QemuSettings(
                        Path.of("/usr/bin/qemu-system-x86_64"),
                        "qboot.rom",
                        AcceleratorChoice.AUTO,
                        "pc-q35-7.2",
                        CACHE,
                        4,
                        CONSOLE),
                new QemuSettings());
    }

    @Test
    public void theFileOfDeployNamesEveryKeyWithItsDefault() throws IOException {
        String file = Files.readString(Path.of("../../deploy/hako.toml"));
        String table = file.split("\n\\[hypervisor\\.qemu]\n")[1].split("\n\\[")[0];
        Map<String, String> shown =
                Pattern.compile("(?m)^# (\\w+) = \"?(.*?)\"?$")
                        .matcher(table)
                        .results()
                        .collect(Collectors.toMap(m -> m.group(1), m -> m.group(2)));
        assertEquals(QemuSettings.class.getRecordComponents().length, shown.size());
        assertEquals(
                new QemuSettings(),
                new QemuSettings(
                        Path.of(shown.get("binary")),
                        shown.get("firmware"),
                        AcceleratorChoice.valueOf(shown.get("accel").toUpperCase(Locale.ROOT)),
                        shown.get("machine"),
                        MemorySize.parse(shown.get("translation_cache")),
                        Integer.parseInt(shown.get("spare_ports")),
                        MemorySize.parse(shown.get("console_kept"))));
    }

    @Test
    public void aMachineWithoutItsVersionIsRefused() {
        refused(
                "The setting machine of hypervisor.qemu is a q35 machine with its version, such as pc-q35-7.2, but is \"q35\".",
                s -> with("q35", CACHE, 4, CONSOLE));
    }

    @Test
    public void boundsAreNamed() {
        refused(
                "The setting translation_cache of hypervisor.qemu is 16 MiB to 2047 MiB, but is 15 MiB.",
                s -> with("pc-q35-10.0", MemorySize.ofMebibytes(15), 4, CONSOLE));
        refused(
                "The setting spare_ports of hypervisor.qemu is 0 to 14, but is 15.",
                s -> with("pc-q35-10.0", CACHE, 15, CONSOLE));
        refused(
                "The setting console_kept of hypervisor.qemu is 4 KiB to 1 MiB, but is 2 MiB.",
                s -> with("pc-q35-10.0", CACHE, 4, MemorySize.ofMebibytes(2)));
    }
}
