// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertTrue;

import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.hypervisor.BootSource;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.Assume;
import org.junit.Test;

/**
 * Theme: what the profile does not promise is refused, with the limit in the sentence, and leaves
 * nothing.
 */
public abstract class HypervisorRefusals extends HypervisorSizes {
    @Test
    public void moreMemoryThanTheLargestGuestIsRefused() {
        MemorySize most = profile().largestGuest();
        MemorySize wanted = most.plus(MemorySize.ofMebibytes(2));
        VmSpec s = spec();
        DriverException e =
                refused(
                        FailureKind.UNSUPPORTED,
                        new VmSpec(
                                s.cpus(),
                                s.cpuCeiling(),
                                wanted,
                                wanted,
                                s.mappedWindow(),
                                s.boot(),
                                s.devices(),
                                s.network()));
        assertTrue(
                e.getMessage(),
                e.getMessage().contains(most.toString())
                        && e.getMessage().contains(wanted.toString()));
    }

    @Test
    public void moreCpusThanTheMostAreRefused() {
        CpuCount most = profile().mostCpus();
        Assume.assumeTrue("The driver runs as many as can be named.", most.count() < CpuCount.MOST);
        CpuCount wanted = new CpuCount(most.count() + 1);
        VmSpec s = spec();
        DriverException e =
                refused(
                        FailureKind.UNSUPPORTED,
                        new VmSpec(
                                wanted,
                                wanted,
                                s.memory(),
                                s.memoryCeiling(),
                                s.mappedWindow(),
                                s.boot(),
                                s.devices(),
                                s.network()));
        assertTrue(
                e.getMessage(),
                e.getMessage().contains(most.toString())
                        && e.getMessage().contains(wanted.toString()));
    }

    @Test
    public void moreColdDevicesThanDeclaredAreRefused() {
        for (DeviceKind kind : DeviceKind.values()) {
            int most = profile().coldAttach().getOrDefault(kind, 0);
            List<Device> devices =
                    IntStream.rangeClosed(0, most).mapToObj(i -> device(kind, i)).toList();
            VmSpec s = spec();
            refused(
                    FailureKind.UNSUPPORTED,
                    new VmSpec(
                            s.cpus(),
                            s.cpuCeiling(),
                            s.memory(),
                            s.memoryCeiling(),
                            s.mappedWindow(),
                            s.boot(),
                            devices,
                            s.network()));
        }
    }

    @Test
    public void aMissingKernelIsNamed() {
        Path missing = Path.of("/nonexistent/kernel");
        BootSource boot = spec().boot();
        DriverException e =
                refused(
                        FailureKind.NOT_FOUND,
                        booting(new BootSource(missing, boot.initramfs(), boot.commandLine())));
        assertTrue(e.getMessage(), e.getMessage().contains(missing.toString()));
    }

    @Test
    public void aMissingInitramfsIsNamed() {
        Path missing = Path.of("/nonexistent/initramfs");
        BootSource boot = spec().boot();
        DriverException e =
                refused(
                        FailureKind.NOT_FOUND,
                        booting(new BootSource(boot.kernel(), missing, boot.commandLine())));
        assertTrue(e.getMessage(), e.getMessage().contains(missing.toString()));
    }

    @Test
    public void aSecondMachineOfTheSandboxIsRefusedAndTheFirstGoesOn() {
        Vm first = booted();
        assertFails(FailureKind.ALREADY_EXISTS, () -> make());
        assertTrue("The first machine's monitor runs.", monitor(first).exit().isEmpty());
    }

    private VmSpec booting(BootSource boot) {
        VmSpec s = spec();
        return new VmSpec(
                s.cpus(),
                s.cpuCeiling(),
                s.memory(),
                s.memoryCeiling(),
                s.mappedWindow(),
                boot,
                s.devices(),
                s.network());
    }

    private DriverException refused(FailureKind kind, VmSpec spec) {
        DriverException e = assertFails(kind, () -> newDriver().create(spec, context(), call()));
        assertNothingLeft();
        return e;
    }
}
