// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class HostCpuTest {
    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    private HostCpu host(String flags, String... files) throws IOException {
        write(
                "proc/cpuinfo",
                "processor\t: 0\ncpu MHz\t\t: 2596.150\nflags\t\t: fpu %s sse2\n\nprocessor\t: 1\n"
                        .formatted(flags));
        for (String file : files) {
            write(file, "");
        }
        return new HostCpu(temporary.getRoot().toPath());
    }

    private void write(String file, String text) throws IOException {
        Path path = temporary.getRoot().toPath().resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    @Test
    public void kvmNeedsTheDeviceAndTheProcessorsFlag() throws IOException {
        assertEquals(Optional.of("/dev/kvm does not exist"), host("svm").obstacleToKvm());
        assertEquals(
                Optional.of("/dev/kvm opens, but the processor shows neither vmx nor svm"),
                host("svme", "dev/kvm").obstacleToKvm());
        assertEquals(Optional.empty(), host("svm", "dev/kvm").obstacleToKvm());
        assertEquals(Optional.empty(), host("vmx", "dev/kvm").obstacleToKvm());
    }

    @Test
    public void autoFallsBackAndADemandIsRefused() throws IOException {
        HostCpu without = host("fxsr");
        assertEquals(Accelerator.TCG, Accelerator.resolve(AcceleratorChoice.AUTO, without));
        DriverException e =
                assertThrows(
                        DriverException.class,
                        () -> Accelerator.resolve(AcceleratorChoice.KVM, without));
        assertEquals(FailureKind.FAILED_PRECONDITION, e.failure());
        assertEquals(
                "A machine with accel = \"kvm\" cannot run here: /dev/kvm does not exist. Use a host with KVM, or set accel = \"auto\" in [hypervisor.qemu].",
                e.getMessage());
        HostCpu with = host("vmx", "dev/kvm");
        assertEquals(Accelerator.KVM, Accelerator.resolve(AcceleratorChoice.AUTO, with));
        assertEquals(Accelerator.TCG, Accelerator.resolve(AcceleratorChoice.TCG, with));
    }

    @Test
    public void theCountersRateIsTheProcessorsWhereItDoesNotChange() throws IOException {
        assertEquals(OptionalLong.of(2_596_150), host("fxsr").timeStampCounterKilohertz());
        assertEquals(
                List.of("no_timer_check", "tsc=reliable", "tsc_early_khz=2596150"),
                GuestKernelWords.clock(Accelerator.TCG, host("fxsr")));
        assertEquals(List.of(), GuestKernelWords.clock(Accelerator.KVM, host("fxsr")));
    }

    @Test
    public void whereFrequenciesChangeOnlyTheBaseFrequencyCounts() throws IOException {
        write("sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "3700000\n");
        assertEquals(OptionalLong.empty(), host("fxsr").timeStampCounterKilohertz());
        assertEquals(
                "the guest measures by itself",
                List.of("no_timer_check"),
                GuestKernelWords.clock(Accelerator.TCG, host("fxsr")));
        write("sys/devices/system/cpu/cpu0/cpufreq/base_frequency", "2400000\n");
        assertEquals(OptionalLong.of(2_400_000), host("fxsr").timeStampCounterKilohertz());
    }

    @Test
    public void aHostThatTellsNothingIsBorne() {
        HostCpu bare = new HostCpu(temporary.getRoot().toPath().resolve("nothing"));
        assertEquals(OptionalLong.empty(), bare.timeStampCounterKilohertz());
    }
}
