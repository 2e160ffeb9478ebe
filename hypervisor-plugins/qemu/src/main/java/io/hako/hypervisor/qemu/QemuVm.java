// SPDX-License-Identifier: Apache-2.0
package io.hako.hypervisor.qemu;

import com.google.gson.JsonObject;
import io.hako.api.device.Device;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.DriverEvent;
import io.hako.api.driver.HandleState;
import io.hako.api.hypervisor.GuestChannel;
import io.hako.api.hypervisor.Pausable;
import io.hako.api.hypervisor.Resizable;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmEnd;
import io.hako.api.hypervisor.VmExit;
import io.hako.api.types.Call;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import java.util.Map;
import java.util.function.Function;

/** A machine, by way of its monitor. One call at a time. */
final class QemuVm implements Vm, Pausable, Resizable {
    /** RunState of QEMU qapi/run-state.json: started with -S, and not told to go on yet. */
    private static final String NOT_BOOTED = "prelaunch";

    private enum Life {
        OPEN,
        RELEASED,
        DESTROYED
    }

    private final VmState state;
    private final Monitor monitor;
    private final DriverContext context;
    private final int sparePorts;
    private volatile Life life = Life.OPEN;

    QemuVm(VmState state, Monitor monitor, DriverContext context, int sparePorts) {
        this.state = state;
        this.monitor = monitor;
        this.context = context;
        this.sparePorts = sparePorts;
    }

    @Override
    public HandleState state() {
        return state.toHandleState();
    }

    @Override
    public String monitorRole() {
        return MachineCommand.ROLE;
    }

    @Override
    public GuestChannel guestChannel() {
        return new GuestChannel.SerialSocket();
    }

    @Override
    public void boot(Call call) {
        requireOpen();
        try (QmpConnection qmp = monitor.connect(call)) {
            qmp.demand("cont", new JsonObject(), call);
        }
    }

    @Override
    public void attach(Device device, Call call) {
        requireOpen();
        DeviceModel model = DeviceModel.of(device);
        try (QmpConnection qmp = monitor.connect(call)) {
            new DeviceBay(qmp, context.host(), sparePorts).attach(device.id(), model, call);
        }
    }

    @Override
    public void detach(DeviceId device, Call call) {
        requireOpen();
        try (QmpConnection qmp = monitor.connect(call)) {
            new DeviceBay(qmp, context.host(), sparePorts).detach(device, call);
        }
    }

    @Override
    public void pause(Call call) {
        booted(qmp -> qmp.demand("stop", new JsonObject(), call), call);
    }

    @Override
    public void resume(Call call) {
        booted(qmp -> qmp.demand("cont", new JsonObject(), call), call);
    }

    @Override
    public MemorySize resizeMemory(MemorySize wanted, Call call) {
        return booted(qmp -> size(qmp).memory(wanted, call), call);
    }

    @Override
    public CpuCount resizeCpus(CpuCount wanted, Call call) {
        return booted(qmp -> size(qmp).cpus(wanted, call), call);
    }

    private MachineSize size(QmpConnection qmp) {
        return new MachineSize(qmp, MachineCommand.booted(state.memory()));
    }

    @Override
    public void powerOff(Call call) {
        requireOpen();
        if (!monitor.hasEnded() && !monitor.quits(call.remaining().dividedBy(2), call)) {
            monitor.kill();
        }
        monitor.awaitEnd(call);
    }

    @Override
    public VmExit explain(VmEnd end) {
        QemuExit.panicked(end)
                .ifPresent(
                        reason ->
                                context.report(
                                        new DriverEvent("guest-panicked", reason, Map.of())));
        return QemuExit.explain(end);
    }

    @Override
    public void release() {
        if (life == Life.OPEN) {
            life = Life.RELEASED;
        }
    }

    @Override
    public void destroy(Call call) {
        if (life == Life.DESTROYED) {
            return;
        }
        requireOpen();
        monitor.kill();
        monitor.awaitEnd(call);
        life = Life.DESTROYED;
    }

    private <T> T booted(Function<QmpConnection, T> work, Call call) {
        requireOpen();
        try (QmpConnection qmp = monitor.connect(call)) {
            JsonObject status =
                    qmp.demand("query-status", new JsonObject(), call).getAsJsonObject();
            if (status.get("status").getAsString().equals(NOT_BOOTED)) {
                throw new DriverException(
                        FailureKind.FAILED_PRECONDITION, "The machine has not booted.");
            }
            return work.apply(qmp);
        }
    }

    private void requireOpen() {
        if (life != Life.OPEN) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "The machine's handle is closed: it was %s."
                            .formatted(life == Life.RELEASED ? "released" : "destroyed"));
        }
    }
}
