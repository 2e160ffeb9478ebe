// SPDX-License-Identifier: Apache-2.0
package io.hako.fake;

import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Finding;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.SchemaRange;
import io.hako.api.driver.Settings;
import io.hako.api.hypervisor.Hypervisor;
import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmFeature;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import io.hako.api.types.FailureKind;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * Machines whose monitor is a process that does nothing, and a file in the workspace that says what
 * it "runs".
 */
@Component(service = Hypervisor.class, property = "hako.driver=hypervisor/fake")
public final class FakeHypervisor implements Hypervisor {
    static final DriverId ID = new DriverId(DriverKind.HYPERVISOR, "fake");

    private final Faults faults;
    private final SchemaRange schemas;

    @Activate
    public FakeHypervisor() {
        this(Faults.none(), new SchemaRange(1, 1));
    }

    public FakeHypervisor(Faults faults, SchemaRange schemas) {
        this.faults = faults;
        this.schemas = schemas;
    }

    @Override
    public HypervisorProfile profile(Settings settings) {
        FakeSettings mine = settings.as(FakeSettings.class);
        return new HypervisorProfile(
                ID,
                schemas,
                Map.of(
                        DeviceKind.BLOCK_DISK,
                        8,
                        DeviceKind.VIRTIO_FS_SHARE,
                        4,
                        DeviceKind.NINE_P_SHARE,
                        2,
                        DeviceKind.TAP_INTERFACE,
                        4,
                        DeviceKind.PERSISTENT_MEMORY,
                        4),
                Map.of(
                        DeviceKind.BLOCK_DISK,
                        2,
                        DeviceKind.VIRTIO_FS_SHARE,
                        2,
                        DeviceKind.TAP_INTERFACE,
                        2),
                Set.of(VmFeature.PAUSE, VmFeature.RESIZE),
                mine.largestGuest(),
                mine.mostCpus());
    }

    @Override
    public List<Finding> probe(Settings settings, Call call) {
        call.checkCancelled();
        return List.of(findProgram(settings.as(FakeSettings.class).program()));
    }

    static Finding findProgram(Path program) {
        return Files.isExecutable(program)
                ? Finding.ok("Program", "%s is there.".formatted(program))
                : Finding.missing(
                        "Program",
                        "There is no program %s.".formatted(program),
                        "Set program to one that exists.");
    }

    @Override
    public Vm create(VmSpec spec, DriverContext context, Call call) {
        call.checkCancelled();
        check(spec, profile(context.settings()));
        if (context.find(FakeVm.MONITOR).isPresent()) {
            throw new DriverException(
                    FailureKind.ALREADY_EXISTS,
                    "Sandbox %s has a machine.".formatted(context.owner()));
        }
        FakeVm vm = new FakeVm(context, schemas, profile(context.settings()), faults);
        FakeHandle.undoneOnFailure(vm, () -> vm.start(spec, call));
        return vm;
    }

    @Override
    public Vm adopt(HandleState state, DriverContext context, Call call) {
        call.checkCancelled();
        FakeVm.Recorded recorded = FakeHandle.parse(state, schemas, FakeVm.Recorded.class);
        faults.pass("adopt machine");
        if (context.find(FakeVm.MONITOR).isEmpty()) {
            throw new DriverException(
                    FailureKind.NOT_FOUND,
                    "Sandbox %s has no monitor process.".formatted(context.owner()));
        }
        FakeVm vm = new FakeVm(context, schemas, profile(context.settings()), faults);
        vm.resume(recorded);
        return vm;
    }

    private static void check(VmSpec spec, HypervisorProfile profile) {
        if (spec.memoryCeiling().compareTo(profile.largestGuest()) > 0) {
            throw DriverException.unsupported(
                    "A machine of up to %s was asked for, but %s runs at most %s."
                            .formatted(spec.memoryCeiling(), ID, profile.largestGuest()));
        }
        if (spec.cpuCeiling().compareTo(profile.mostCpus()) > 0) {
            throw DriverException.unsupported(
                    "A machine of up to %s CPUs was asked for, but %s runs at most %s."
                            .formatted(spec.cpuCeiling(), ID, profile.mostCpus()));
        }
        for (DeviceKind kind : DeviceKind.values()) {
            long wanted = spec.devices().stream().map(Device::kind).filter(kind::equals).count();
            int most = profile.coldAttach().getOrDefault(kind, 0);
            if (wanted > most) {
                throw DriverException.unsupported(
                        "%d devices of kind %s were asked for, but %s attaches at most %d."
                                .formatted(wanted, kind, ID, most));
            }
        }
        requireFile("kernel", spec.boot().kernel());
        requireFile("initramfs", spec.boot().initramfs());
    }

    private static void requireFile(String what, Path file) {
        if (!Files.isReadable(file)) {
            throw new DriverException(
                    FailureKind.NOT_FOUND, "There is no guest %s at %s.".formatted(what, file));
        }
    }
}
