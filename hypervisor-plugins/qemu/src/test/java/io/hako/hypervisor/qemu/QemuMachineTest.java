// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Finding;
import io.hako.api.driver.SupervisedProcess;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmEnd;
import io.hako.api.hypervisor.VmExit;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.fake.node.FixedSettings;
import io.hako.testbed.ProcessTestbed;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/**
 * What this machine's QEMU really does, with kernels of some bytes. Skipped where it is not
 * installed.
 */
public class QemuMachineTest {
    private static final OwnerId OWNER = new OwnerId("test", "machine");

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    private ProcessTestbed testbed;

    @Before
    public void open() throws IOException {
        RealQemu.assumeInstalled();
        testbed = new ProcessTestbed(temporary.newFolder("n").toPath());
    }

    @After
    public void close() {
        if (testbed != null) {
            testbed.close();
        }
    }

    private DriverContext context(QemuSettings settings) {
        return testbed.context(OWNER, "h0", new FixedSettings(settings));
    }

    private Vm create(TestKernel kernel, QemuSettings settings) throws IOException {
        Path file =
                kernel.write(
                        temporary.getRoot().toPath().resolve("kernel"),
                        "Kernel panic - not syncing: tested");
        Path initramfs =
                Files.writeString(temporary.getRoot().toPath().resolve("initramfs"), "none");
        return new QemuHypervisor()
                .create(Samples.spec(file, initramfs), context(settings), testbed.call());
    }

    private SupervisedProcess monitor() {
        return context(RealQemu.settings()).find("vmm").orElseThrow();
    }

    private String console() {
        return new String(monitor().output(), StandardCharsets.UTF_8);
    }

    @Test
    public void noInstructionOfTheGuestRunsBeforeBoot() throws IOException {
        Vm vm = create(TestKernel.RESETS, RealQemu.settings());
        assertEquals("", console());
        vm.boot(testbed.call());
        monitor().awaitExit(testbed.call());
        assertTrue(console(), console().contains("not syncing: tested"));
    }

    @Test
    public void aGuestThatResetsItselfEndsTheMonitorCleanlyAndIsACrash() throws IOException {
        Vm vm = create(TestKernel.RESETS, RealQemu.settings());
        vm.boot(testbed.call());
        ExitStatus exit = monitor().awaitExit(testbed.call());
        assertEquals(new ExitStatus.Exited(0), exit);
        assertEquals(
                new VmExit.Crashed("The guest's kernel panicked: tested."),
                vm.explain(new VmEnd(exit, false, Optional.empty(), console())));
    }

    @Test
    public void poweringOffLetsTheMonitorEndByItself() throws IOException {
        Vm vm = create(TestKernel.HALTS, RealQemu.settings());
        vm.boot(testbed.call());
        vm.powerOff(testbed.call());
        assertEquals(Optional.of(new ExitStatus.Exited(0)), monitor().exit());
    }

    @Test
    public void aMonitorThatHangsIsKilled() throws IOException {
        Vm vm = create(TestKernel.HALTS, RealQemu.settings());
        monitor().kill(19); // SIGSTOP
        vm.powerOff(io.hako.fake.node.FakeCall.within(java.time.Duration.ofSeconds(2)));
        assertEquals(Optional.of(new ExitStatus.Signalled(9)), monitor().exit());
    }

    @Test
    public void aMonitorThatHangsIsNotAdoptedAndGoesOnHanging() throws IOException {
        Vm vm = create(TestKernel.HALTS, RealQemu.settings());
        vm.release();
        monitor().kill(19);
        var shortCall = io.hako.fake.node.FakeCall.within(java.time.Duration.ofMillis(500));
        DriverException e =
                assertThrows(
                        DriverException.class,
                        () ->
                                new QemuHypervisor()
                                        .adopt(
                                                vm.state(),
                                                context(RealQemu.settings()),
                                                shortCall));
        assertEquals(FailureKind.DEADLINE_EXCEEDED, e.failure());
        assertEquals(Optional.empty(), monitor().exit());
        monitor().kill(18); // SIGCONT
        new QemuHypervisor()
                .adopt(vm.state(), context(RealQemu.settings()), testbed.call())
                .destroy(testbed.call());
    }

    @Test
    public void whatQemuRefusesIsSaidInItsOwnWordsAndLeavesNothing() {
        QemuSettings s = RealQemu.settings();
        QemuSettings unknown =
                new QemuSettings(
                        s.binary(),
                        s.firmware(),
                        s.accel(),
                        "pc-q35-99.9",
                        s.translationCache(),
                        s.sparePorts(),
                        s.consoleKept());
        DriverException e =
                assertThrows(DriverException.class, () -> create(TestKernel.HALTS, unknown));
        assertEquals(FailureKind.UNAVAILABLE, e.failure());
        assertTrue(
                e.getMessage(),
                e.getMessage()
                        .startsWith(
                                "QEMU ended before it was ready (status 1). The last line it wrote: \""));
        assertEquals(List.of(), testbed.effects(OWNER));
    }

    @Test
    public void probeFindsThisQemuWithItsMachineAndFirmware() {
        List<Finding> findings =
                new QemuHypervisor().probe(new FixedSettings(RealQemu.settings()), testbed.call());
        assertEquals(
                List.of("QEMU", "machine type", "firmware", "accelerator"),
                findings.stream().map(Finding::subject).toList());
        findings.forEach(
                finding -> assertEquals(finding.sentence(), Finding.Level.OK, finding.level()));
    }

    @Test
    public void probeSaysWhatIsMissing() {
        QemuSettings s = RealQemu.settings();
        QemuSettings odd =
                new QemuSettings(
                        s.binary(),
                        "absent.rom",
                        s.accel(),
                        "pc-q35-99.9",
                        s.translationCache(),
                        s.sparePorts(),
                        s.consoleKept());
        List<String> missing =
                new QemuHypervisor()
                        .probe(new FixedSettings(odd), testbed.call()).stream()
                                .filter(finding -> finding.level() == Finding.Level.MISSING)
                                .map(Finding::sentence)
                                .toList();
        assertEquals(
                List.of(
                        "This QEMU knows no machine pc-q35-99.9.",
                        "QEMU finds no firmware absent.rom."),
                missing);
    }
}
