// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.DriverEvent;
import io.hako.api.driver.Finding;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.ProcessSpec;
import io.hako.api.driver.Settings;
import io.hako.api.driver.SupervisedProcess;
import io.hako.api.hypervisor.Hypervisor;
import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmFeature;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.types.Call;
import io.hako.api.types.Confinement.HostUser;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.service.component.annotations.Component;

/** Virtual machines by QEMU on x86-64, with KVM or without. */
@Component(service = Hypervisor.class, property = "hako.driver=hypervisor/qemu")
public final class QemuHypervisor implements Hypervisor {
    static final int MOST_COLD_DEVICES = 12;

    /**
     * Half of the 40 address bits that the narrowest processor has which QEMU shows: the rest is
     * for devices.
     */
    private static final MemorySize LARGEST_GUEST = MemorySize.ofGibibytes(512);

    /**
     * APIC ids have 8 bits, and the last is for broadcasts (Intel SDM volume 3, section 11.6.1).
     */
    private static final CpuCount MOST_CPUS = new CpuCount(255);

    private final HostCpu host;

    public QemuHypervisor() {
        this(HostCpu.ofThisHost());
    }

    QemuHypervisor(HostCpu host) {
        this.host = host;
    }

    @Override
    public HypervisorProfile profile(Settings settings) {
        int spare = settings.as(QemuSettings.class).sparePorts();
        return new HypervisorProfile(
                VmState.DRIVER,
                VmState.SCHEMAS,
                Map.of(
                        DeviceKind.VIRTIO_FS_SHARE,
                        MOST_COLD_DEVICES,
                        DeviceKind.TAP_INTERFACE,
                        MOST_COLD_DEVICES),
                spare == 0 ? Map.of() : Map.of(DeviceKind.VIRTIO_FS_SHARE, spare),
                Set.of(VmFeature.PAUSE, VmFeature.RESIZE),
                LARGEST_GUEST,
                MOST_CPUS);
    }

    @Override
    public List<Finding> probe(Settings settings, Call call) {
        return new QemuProbe(settings.as(QemuSettings.class), host).findings(call);
    }

    @Override
    public Vm create(VmSpec spec, DriverContext context, Call call) {
        call.checkCancelled();
        QemuSettings settings = context.settings().as(QemuSettings.class);
        refuseExcess(spec);
        requireFiles(spec, settings);
        if (context.find(MachineCommand.ROLE).isPresent()) {
            throw new DriverException(
                    FailureKind.ALREADY_EXISTS,
                    "Sandbox %s has a virtual machine already.".formatted(context.owner()));
        }
        Accelerator accelerator = Accelerator.resolve(settings.accel(), host);
        ProcessSpec process =
                new MachineCommand(
                                context.owner(),
                                spec,
                                settings,
                                accelerator,
                                GuestKernelWords.clock(accelerator, host),
                                Monitor.socket(context),
                                user(accelerator, context))
                        .processSpec();
        Monitor monitor = start(process, context, call);
        reportAccelerator(accelerator, settings, context);
        return new QemuVm(
                new VmState(settings.machine(), accelerator, spec.memory()),
                monitor,
                context,
                settings.sparePorts());
    }

    @Override
    public Vm adopt(HandleState handle, DriverContext context, Call call) {
        call.checkCancelled();
        VmState state = VmState.of(handle);
        SupervisedProcess process =
                context.find(MachineCommand.ROLE)
                        .orElseThrow(
                                () ->
                                        new DriverException(
                                                FailureKind.NOT_FOUND,
                                                "Sandbox %s has no QEMU process to adopt."
                                                        .formatted(context.owner())));
        Monitor monitor = new Monitor(process, context);
        requireAnswer(monitor, call);
        return new QemuVm(
                state, monitor, context, context.settings().as(QemuSettings.class).sparePorts());
    }

    /** A machine that has ended is adopted, too; one that lives has to answer. */
    private static void requireAnswer(Monitor monitor, Call call) {
        try {
            if (!monitor.hasEnded()) {
                monitor.connect(call).close();
            }
        } catch (DriverException e) {
            if (!monitor.hasEnded()) {
                throw e;
            }
        }
    }

    private static Monitor start(ProcessSpec spec, DriverContext context, Call call) {
        Monitor monitor = new Monitor(context.launch(spec, call), context);
        try {
            monitor.connect(call).close();
            return monitor;
        } catch (DriverException e) {
            monitor.kill();
            awaitEndAfter(e, monitor, call);
            throw e;
        }
    }

    private static void awaitEndAfter(DriverException first, Monitor monitor, Call call) {
        try {
            monitor.awaitEnd(call);
        } catch (DriverException e) {
            first.addSuppressed(e);
        }
    }

    private static void refuseExcess(VmSpec spec) {
        if (spec.memoryCeiling().plus(spec.mappedWindow()).compareTo(LARGEST_GUEST) > 0) {
            throw DriverException.unsupported(
                    "QEMU gives a guest at most %s of memory, mapped window included, but %s and %s were asked for."
                            .formatted(LARGEST_GUEST, spec.memoryCeiling(), spec.mappedWindow()));
        }
        if (spec.cpuCeiling().compareTo(MOST_CPUS) > 0) {
            throw DriverException.unsupported(
                    "QEMU gives a guest at most %s CPUs, but %s were asked for."
                            .formatted(MOST_CPUS, spec.cpuCeiling()));
        }
        for (Device device : spec.devices()) {
            DeviceModel.of(device);
        }
        if (spec.devices().size() > MOST_COLD_DEVICES) {
            throw DriverException.unsupported(
                    "QEMU's driver attaches at most %d devices at the start, but %d were asked for."
                            .formatted(MOST_COLD_DEVICES, spec.devices().size()));
        }
    }

    /** With KVM in the group of /dev/kvm, which QEMU opens by itself. */
    private HostUser user(Accelerator accelerator, DriverContext context) {
        HostUser own = context.podUser();
        return accelerator == Accelerator.KVM ? new HostUser(own.uid(), host.groupOfKvm()) : own;
    }

    private static void requireFiles(VmSpec spec, QemuSettings settings) {
        requireFile("QEMU", settings.binary(), "Install QEMU, or set binary in [hypervisor.qemu].");
        requireFile(
                "The guest kernel",
                spec.boot().kernel(),
                "Build the guest image, or set kernel in [guest].");
        requireFile(
                "The guest initramfs",
                spec.boot().initramfs(),
                "Build the guest image, or set initramfs in [guest].");
    }

    private static void requireFile(String what, Path file, String remedy) {
        if (!Files.isRegularFile(file)) {
            throw new DriverException(
                    FailureKind.NOT_FOUND, "%s is not at %s. %s".formatted(what, file, remedy));
        }
        if (!isReadableByAll(file)) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "%s at %s is not readable by everyone, and QEMU runs as a user of its own: chmod o+r it."
                            .formatted(what, file));
        }
    }

    private static boolean isReadableByAll(Path file) {
        try {
            return Files.getPosixFilePermissions(file).contains(PosixFilePermission.OTHERS_READ);
        } catch (IOException e) {
            return false;
        }
    }

    private static void reportAccelerator(
            Accelerator accelerator, QemuSettings settings, DriverContext context) {
        if (accelerator == Accelerator.TCG && settings.accel() == AcceleratorChoice.AUTO) {
            context.report(
                    new DriverEvent(
                            "accelerator",
                            "KVM is not usable on this host: the virtual machine is emulated by TCG, many times slower.",
                            Map.of("accelerator", accelerator.word())));
        }
    }
}
