// SPDX-License-Identifier: Apache-2.0
package io.hako.fake;

import io.hako.api.device.Device;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.SchemaRange;
import io.hako.api.hypervisor.GuestChannel;
import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.hypervisor.Pausable;
import io.hako.api.hypervisor.Resizable;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmEnd;
import io.hako.api.hypervisor.VmExit;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.types.Call;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import io.hako.api.types.PassedFile;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A machine that only says what it is. */
final class FakeVm extends FakeHandle implements Vm, Pausable, Resizable {
    static final String MONITOR = "vmm";

    private final HypervisorProfile profile;
    private final FakeMonitor monitor;
    private final Faults faults;
    private List<String> devices = List.of();

    FakeVm(DriverContext context, SchemaRange schemas, HypervisorProfile profile, Faults faults) {
        super(FakeHypervisor.ID, schemas, context);
        this.profile = profile;
        this.monitor = new FakeMonitor(context.workspace());
        this.faults = faults;
    }

    /**
     * The state's fields: which devices there were, for people to read; the monitor knows better.
     */
    record Recorded(List<String> devices) {}

    void start(VmSpec spec, Call call) {
        List<PassedFile> files =
                List.of(
                        new PassedFile.Memfd("guest-memory", spec.memory()),
                        new PassedFile.GuestPort("control", PassedFile.GuestPort.Port.CONTROL),
                        new PassedFile.GuestPort("data", PassedFile.GuestPort.Port.DATA));
        context.launch(
                processSpec(MONITOR, context.settings().as(FakeSettings.class), files), call);
        faults.pass("build machine");
        Map<String, FakeMonitor.Plugged> cold = new LinkedHashMap<>();
        spec.devices()
                .forEach(
                        device ->
                                cold.put(
                                        device.id().value(),
                                        FakeMonitor.Plugged.of(device, false)));
        var booted = new FakeMonitor.Size(spec.memory().bytes(), spec.cpus().count());
        monitor.write(
                new FakeMonitor.Contents(
                        false,
                        false,
                        booted,
                        booted,
                        new FakeMonitor.Size(
                                spec.memoryCeiling().bytes(), spec.cpuCeiling().count()),
                        cold));
        devices = List.copyOf(cold.keySet());
    }

    void resume(Recorded recorded) {
        devices =
                hasEnded()
                        ? List.copyOf(recorded.devices())
                        : List.copyOf(monitor.read().devices().keySet());
    }

    @Override
    Record recorded() {
        return new Recorded(devices);
    }

    @Override
    void undo(Call call) {
        faults.pass("end machine");
        end(MONITOR, call);
    }

    @Override
    public String monitorRole() {
        return MONITOR;
    }

    @Override
    public GuestChannel guestChannel() {
        return new GuestChannel.SerialSocket();
    }

    @Override
    public void boot(Call call) {
        requireAlive("booted", call);
        FakeMonitor.Contents now = monitor.read();
        if (!now.booted()) {
            faults.pass("boot machine");
            monitor.write(now.running(false));
        }
    }

    @Override
    public void attach(Device device, Call call) {
        requireAlive("given a device", call);
        FakeMonitor.Contents now = monitor.read();
        FakeMonitor.Plugged wanted = FakeMonitor.Plugged.of(device, true);
        var there = now.device(device.id().value());
        if (there.isPresent()) {
            if (!there.get().device().equals(wanted.device())) {
                throw new DriverException(
                        FailureKind.ALREADY_EXISTS,
                        "Device %s is attached, and is not what was asked for."
                                .formatted(device.id()));
            }
            return;
        }
        requireRoom(device, now);
        faults.pass("attach " + device.id());
        update(now.with(device.id().value(), wanted));
    }

    private void requireRoom(Device device, FakeMonitor.Contents now) {
        Integer most = profile.hotAttach().get(device.kind());
        if (most == null) {
            throw DriverException.unsupported(
                    "A device of kind %s cannot be attached to a machine that runs."
                            .formatted(device.kind()));
        }
        if (now.hotDevices(device.kind()) >= most) {
            throw new DriverException(
                    FailureKind.EXHAUSTED,
                    "Device %s cannot be attached: at most %d of kind %s can be."
                            .formatted(device.id(), most, device.kind()));
        }
    }

    @Override
    public void detach(DeviceId device, Call call) {
        requireAlive("relieved of a device", call);
        FakeMonitor.Contents now = monitor.read();
        if (now.device(device.value()).isPresent()) {
            faults.pass("detach " + device);
            update(now.without(device.value()));
        }
    }

    @Override
    public void powerOff(Call call) {
        requireOpen("powered off");
        call.checkCancelled();
        if (!hasEnded()) {
            faults.pass("power off");
            end(MONITOR, call);
        }
    }

    @Override
    public VmExit explain(VmEnd end) {
        if (end.requested()) {
            return new VmExit.Requested();
        }
        boolean clean = end.monitor() instanceof ExitStatus.Exited exited && exited.code() == 0;
        if (clean && end.farewell().isPresent()) {
            return new VmExit.GuestPowerOff(end.farewell().get());
        }
        return new VmExit.Crashed(
                switch (end.monitor()) {
                    case ExitStatus.Exited exited ->
                            "The monitor ended by itself with status %d.".formatted(exited.code());
                    case ExitStatus.Signalled signalled ->
                            "The monitor was ended by signal %d.".formatted(signalled.signal());
                    default -> "The monitor ended.";
                });
    }

    @Override
    public void pause(Call call) {
        requireBooted("paused", call);
        faults.pass("pause machine");
        monitor.write(monitor.read().running(true));
    }

    @Override
    public void resume(Call call) {
        requireBooted("resumed", call);
        faults.pass("resume machine");
        monitor.write(monitor.read().running(false));
    }

    @Override
    public MemorySize resizeMemory(MemorySize wanted, Call call) {
        requireBooted("resized", call);
        FakeMonitor.Contents now = monitor.read();
        if (wanted.bytes() > now.most().memory()) {
            throw new DriverException(
                    FailureKind.EXHAUSTED,
                    "A machine with a ceiling of %s cannot have %s of memory."
                            .formatted(new MemorySize(now.most().memory()), wanted));
        }
        faults.pass("resize memory");
        FakeMonitor.Contents sized = now.sized(wanted.bytes(), now.size().cpus());
        monitor.write(sized);
        return new MemorySize(sized.size().memory());
    }

    @Override
    public CpuCount resizeCpus(CpuCount wanted, Call call) {
        requireBooted("resized", call);
        FakeMonitor.Contents now = monitor.read();
        if (wanted.count() > now.most().cpus()) {
            throw new DriverException(
                    FailureKind.EXHAUSTED,
                    "A machine with a ceiling of %d CPUs cannot have %s."
                            .formatted(now.most().cpus(), wanted));
        }
        faults.pass("resize cpus");
        FakeMonitor.Contents sized = now.sized(now.size().memory(), wanted.count());
        monitor.write(sized);
        return new CpuCount(sized.size().cpus());
    }

    private void update(FakeMonitor.Contents contents) {
        monitor.write(contents);
        devices = new ArrayList<>(contents.devices().keySet());
    }

    private boolean hasEnded() {
        return context.find(MONITOR).map(process -> process.exit().isPresent()).orElse(true);
    }

    private void requireAlive(String what, Call call) {
        requireOpen(what);
        call.checkCancelled();
        if (hasEnded()) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "The machine of sandbox %s cannot be %s: it has ended."
                            .formatted(context.owner(), what));
        }
    }

    private void requireBooted(String what, Call call) {
        requireAlive(what, call);
        if (!monitor.read().booted()) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "The machine of sandbox %s cannot be %s: it has not booted."
                            .formatted(context.owner(), what));
        }
    }
}
