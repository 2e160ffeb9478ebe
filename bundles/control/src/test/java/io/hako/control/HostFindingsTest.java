// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.hako.api.driver.Finding;
import io.hako.api.types.CpuCount;
import io.hako.api.types.MemorySize;
import io.hako.settings.GuestSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class HostFindingsTest {
    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Path root;

    @Before
    public void healthyHost() throws IOException {
        root = folder.getRoot().toPath();
        byte[] elf = new byte[1024];
        System.arraycopy(new byte[] {0x7f, 'E', 'L', 'F'}, 0, elf, 0, 4);
        Files.write(root.resolve("vmlinux"), elf);
        Files.writeString(root.resolve("initramfs"), "070701");
        Files.createDirectories(root.resolve("run"));
        Files.createDirectories(root.resolve("state"));
        Files.createDirectories(root.resolve("sys/fs/cgroup"));
        Files.writeString(root.resolve("sys/fs/cgroup/cgroup.controllers"), "memory");
        Files.createDirectories(root.resolve("proc/self"));
        Files.writeString(
                root.resolve("proc/self/status"), "Name:\tjava\nCapEff:\t000001ffffffffff\n");
    }

    @Test
    public void aHealthyHostHasNothingToComplainOf() {
        assertEquals(
                List.of(
                        Finding.Level.OK,
                        Finding.Level.OK,
                        Finding.Level.OK,
                        Finding.Level.OK,
                        Finding.Level.OK,
                        Finding.Level.OK),
                findings().values().stream().map(Finding::level).toList());
    }

    @Test
    public void aGuestThatCannotBootIsMissing() throws IOException {
        Files.writeString(root.resolve("vmlinux"), "not a kernel");
        Files.delete(root.resolve("initramfs"));
        assertEquals(
                Finding.missing(
                        "guest kernel",
                        root + "/vmlinux is no Linux kernel: neither an ELF vmlinux nor a bzImage.",
                        "Make the guest image (guest-image/build --agent FILE --output DIR), or set kernel in [guest] of the settings file."),
                findings().get("guest kernel"));
        assertEquals(
                Finding.missing(
                        "guest initramfs",
                        root + "/initramfs cannot be read.",
                        "Make the guest image (guest-image/build --agent FILE --output DIR), or set initramfs in [guest] of the settings file."),
                findings().get("guest initramfs"));
    }

    @Test
    public void aBzImageIsAKernelToo() throws IOException {
        byte[] image = new byte[1024];
        System.arraycopy("HdrS".getBytes(StandardCharsets.US_ASCII), 0, image, 0x202, 4);
        Files.write(root.resolve("vmlinux"), image);
        assertEquals(Finding.Level.OK, findings().get("guest kernel").level());
    }

    @Test
    public void anOldOrPoorHostIsAWarning() throws IOException {
        Files.delete(root.resolve("sys/fs/cgroup/cgroup.controllers"));
        Files.createDirectories(root.resolve("sys/fs/cgroup/memory"));
        Files.writeString(root.resolve("proc/self/status"), "CapEff:\t0000000000000001\n");
        Map<String, Finding> findings = findings();
        assertEquals("The host has cgroup v1.", findings.get("cgroups").sentence());
        assertEquals(Finding.Level.WARNING, findings.get("cgroups").level());
        assertEquals("hakod has no CAP_SYS_RESOURCE.", findings.get("capabilities").sentence());
        assertEquals(Finding.Level.WARNING, findings.get("capabilities").level());
    }

    @Test
    public void aDirectoryThatIsNotThereIsMissing() throws IOException {
        Files.delete(root.resolve("state"));
        Finding finding = findings().get("state directory");
        assertEquals(Finding.Level.MISSING, finding.level());
        assertTrue(finding.sentence(), finding.sentence().startsWith(root + "/state is not there"));
    }

    private Map<String, Finding> findings() {
        GuestSettings guest =
                new GuestSettings(
                        root.resolve("vmlinux"),
                        root.resolve("initramfs"),
                        "",
                        MemorySize.ofMebibytes(64),
                        MemorySize.ofMebibytes(64),
                        MemorySize.ofMebibytes(64),
                        new CpuCount(1),
                        new CpuCount(1),
                        Duration.ofSeconds(5));
        return new HostFindings(root, root.resolve("run"), root.resolve("state"))
                .findings(guest).stream()
                        .collect(Collectors.toMap(Finding::subject, Function.identity()));
    }
}
