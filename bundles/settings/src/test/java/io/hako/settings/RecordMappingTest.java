// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import static org.junit.Assert.assertEquals;

import io.hako.api.types.CpuCount;
import io.hako.api.types.MemorySize;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.Test;

/** Of each table: its defaults, and each of its keys. */
public class RecordMappingTest {
    @Test
    public void guestDefaults() {
        assertEquals(
                new GuestSettings(
                        Path.of("/usr/share/hako/guest/vmlinux"),
                        Path.of("/usr/share/hako/guest/initramfs.cpio"),
                        "",
                        MemorySize.ofMebibytes(192),
                        MemorySize.ofGibibytes(4),
                        MemorySize.ofMebibytes(64),
                        new CpuCount(1),
                        new CpuCount(4),
                        Duration.ofSeconds(60)),
                settings("").guest());
    }

    @Test
    public void guestMapping() {
        HakoSettings settings =
                settings(
                        """
                [guest]
                kernel = "/k"
                initramfs = "/i"
                kernel_parameters = " a=1  b "
                memory = "1G"
                memory_ceiling = "16G"
                memory_overhead = "96M"
                cpus = 4
                cpu_ceiling = 8
                start_limit = "2m"
                """);
        assertEquals(
                new GuestSettings(
                        Path.of("/k"),
                        Path.of("/i"),
                        " a=1  b ",
                        MemorySize.ofGibibytes(1),
                        MemorySize.ofGibibytes(16),
                        MemorySize.ofMebibytes(96),
                        new CpuCount(4),
                        new CpuCount(8),
                        Duration.ofMinutes(2)),
                settings.guest());
        assertEquals(List.of("a=1", "b"), settings.guest().kernelWords());
    }

    @Test
    public void driversDefaults() {
        assertEquals(new DriverChoice(List.of(), List.of(), List.of()), settings("").drivers());
    }

    @Test
    public void driversMapping() {
        assertEquals(
                new DriverChoice(List.of("a"), List.of("b"), List.of("c", "d")),
                settings("[drivers]\nhypervisor=['a']\nnetwork=['b']\nstorage=['c', 'd']\n")
                        .drivers());
    }

    @Test
    public void logsDefaults() {
        assertEquals(
                new LogSettings(MemorySize.ofMebibytes(16), Duration.ofSeconds(2)),
                settings("").logs());
    }

    @Test
    public void logsMapping() {
        assertEquals(
                new LogSettings(MemorySize.ofMebibytes(1), Duration.ofMillis(500)),
                settings("[logs]\nbound='1M'\ndrain_limit='500ms'\n").logs());
    }

    private static HakoSettings settings(String text) {
        return HakoSettings.parse("hako.toml", text);
    }
}
