// SPDX-License-Identifier: Apache-2.0
package io.hako.api.driver;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.device.Device;
import io.hako.api.device.NinePShare;
import io.hako.api.hypervisor.BootSource;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.types.Confinement;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import io.hako.api.types.MemorySize;
import io.hako.api.types.NetworkNamespace;
import io.hako.api.types.PassedFile;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;

public class SpecsTest {
    private static final DriverId DRIVER = new DriverId(DriverKind.HYPERVISOR, "example");
    private static final BootSource BOOT =
            new BootSource(Path.of("/kernel"), Path.of("/initramfs"), List.of("quiet"));

    @Test
    public void passedFilesAreNumberedFromThree() {
        PassedFile memory = new PassedFile.Memfd("memory", MemorySize.ofMebibytes(1));
        PassedFile port = new PassedFile.GuestPort("control", PassedFile.GuestPort.Port.CONTROL);
        List<PassedFile> files = List.of(memory, port);
        assertEquals(3, ProcessSpec.descriptorOf(memory, files));
        assertEquals(4, ProcessSpec.descriptorOf(port, files));
        refused(
                "The file other is not among those passed.",
                () ->
                        ProcessSpec.descriptorOf(
                                new PassedFile.Memfd("other", MemorySize.ofMebibytes(1)), files));
    }

    @Test
    public void filesOfOneProcessHaveNamesOfTheirOwn() {
        PassedFile memory = new PassedFile.Memfd("one", MemorySize.ofMebibytes(1));
        PassedFile port = new PassedFile.GuestPort("one", PassedFile.GuestPort.Port.DATA);
        refused(
                "The files of process vmm differ from one another, but are [one, one].",
                () ->
                        process(
                                List.of("/bin/vmm"),
                                List.of(memory, port),
                                Optional.empty(),
                                Confinement.NONE));
    }

    @Test
    public void aProcessIsNamedByAnAbsolutePath() {
        refused(
                "The command of process vmm must name a program.",
                () -> process(List.of(), List.of(), Optional.empty(), Confinement.NONE));
        refused(
                "The program of process vmm is an absolute path without \".\" and \"..\", but is \"vmm\".",
                () -> process(List.of("vmm"), List.of(), Optional.empty(), Confinement.NONE));
    }

    @Test
    public void aProcessIsInOneNetworkNamespace() {
        Confinement empty =
                new Confinement(
                        Set.of(Confinement.Namespace.NETWORK),
                        Optional.empty(),
                        true,
                        Optional.of(Set.of()),
                        Optional.empty());
        refused(
                "Process vmm can be in network namespace /run/netns/a or in an empty one, not in both.",
                () ->
                        process(
                                List.of("/bin/vmm"),
                                List.of(),
                                Optional.of(new NetworkNamespace(Path.of("/run/netns/a"))),
                                empty));
    }

    @Test
    public void keptOutputIsBounded() {
        refused(
                "The output kept of process p is 4 KiB to 1 MiB, but is 2 MiB.",
                () ->
                        new ProcessSpec(
                                "p",
                                List.of("/p"),
                                Map.of(),
                                List.of(),
                                Optional.empty(),
                                Confinement.NONE,
                                MemorySize.ofMebibytes(2)));
    }

    @Test
    public void schemaRangesReadWhatLiesBetween() {
        SchemaRange range = new SchemaRange(2, 3);
        assertFalse(range.reads(1));
        assertTrue(range.reads(2) && range.reads(3));
        assertFalse(range.reads(4));
        refused(
                "A range of state schemas begins at 1 or later and does not end before it begins, but is 3 to 2.",
                () -> new SchemaRange(3, 2));
    }

    @Test
    public void statesAreBoundedObjects() {
        refused(
                "The state of a handle is a JSON object, but hypervisor/example gave \"[1]\".",
                () -> new HandleState(DRIVER, 1, "[1]"));
        String large = "{\"a\":\"" + "x".repeat(HandleState.LARGEST) + "\"}";
        refused(
                "The state of a handle has at most 65536 bytes, but hypervisor/example gave 65544.",
                () -> new HandleState(DRIVER, 1, large));
    }

    @Test
    public void findingsOtherThanOkHaveARemedy() {
        assertEquals("", Finding.ok("QEMU", "QEMU is there.").remedy());
        refused(
                "The remedy of a finding has 1 to 1000 bytes, but \"\" has 0.",
                () -> Finding.missing("QEMU", "QEMU is not there.", ""));
    }

    @Test
    public void ceilingsAreNotBelowWhatAMachineBootsWith() {
        MemorySize m = MemorySize.ofMebibytes(256);
        refused(
                "A machine with 2 CPUs cannot have a ceiling of 1 CPUs.",
                () -> machine(2, 1, m, m, List.of()));
        refused(
                "A machine with 256 MiB of memory cannot have a ceiling of 128 MiB.",
                () -> machine(1, 1, m, MemorySize.ofMebibytes(128), List.of()));
        refused(
                "A machine needs more than 0 bytes of memory.",
                () -> machine(1, 1, MemorySize.ZERO, m, List.of()));
    }

    @Test
    public void devicesOfAMachineHaveIdsOfTheirOwn() {
        MemorySize m = MemorySize.ofMebibytes(256);
        Device one = new NinePShare(new DeviceId("a"), "one", Path.of("/one"), true);
        Device two = new NinePShare(new DeviceId("a"), "two", Path.of("/two"), true);
        refused(
                "The device ids of a machine differ from one another, but are [a, a].",
                () -> machine(1, 1, m, m, List.of(one, two)));
    }

    @Test
    public void kernelCommandLinesFit() {
        refused(
                "A word of the kernel command line is visible ASCII without blanks, but is \"a b\".",
                () -> new BootSource(BOOT.kernel(), BOOT.initramfs(), List.of("a b")));
        refused(
                "The kernel command line has at most 2047 bytes, but has 2048.",
                () -> new BootSource(BOOT.kernel(), BOOT.initramfs(), List.of("x".repeat(2048))));
    }

    private static VmSpec machine(
            int cpus, int cpuCeiling, MemorySize memory, MemorySize ceiling, List<Device> devices) {
        return new VmSpec(
                new CpuCount(cpus),
                new CpuCount(cpuCeiling),
                memory,
                ceiling,
                MemorySize.ZERO,
                BOOT,
                devices,
                Optional.empty());
    }

    private static ProcessSpec process(
            List<String> command,
            List<PassedFile> files,
            Optional<NetworkNamespace> network,
            Confinement confinement) {
        return new ProcessSpec(
                "vmm", command, Map.of(), files, network, confinement, MemorySize.ofKibibytes(64));
    }

    private static void refused(String sentence, ThrowingRunnable value) {
        assertEquals(sentence, assertThrows(DriverException.class, value).getMessage());
    }
}
