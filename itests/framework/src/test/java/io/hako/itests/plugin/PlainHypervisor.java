// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.plugin;

import io.hako.api.device.Device;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Finding;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.SchemaRange;
import io.hako.api.driver.Settings;
import io.hako.api.hypervisor.GuestChannel;
import io.hako.api.hypervisor.Hypervisor;
import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmEnd;
import io.hako.api.hypervisor.VmExit;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.types.Call;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverId;
import io.hako.api.types.MemorySize;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Machines that are nothing at all. What is wrong with a plugin is in the classes that extend this
 * one.
 */
public class PlainHypervisor implements Hypervisor {
    private static final DriverId ID = DriverId.parse("hypervisor/plain");

    @Override
    public HypervisorProfile profile(Settings settings) {
        return new HypervisorProfile(
                ID,
                new SchemaRange(1, 1),
                Map.of(),
                Map.of(),
                Set.of(),
                MemorySize.ofGibibytes(1),
                new CpuCount(1));
    }

    @Override
    public List<Finding> probe(Settings settings, Call call) {
        return List.of(Finding.ok("Nothing", "Nothing is needed."));
    }

    @Override
    public Vm create(VmSpec spec, DriverContext context, Call call) {
        return new PlainVm(this);
    }

    @Override
    public Vm adopt(HandleState state, DriverContext context, Call call) {
        return new PlainVm(this);
    }

    /** Called as a machine boots. */
    void booting() {}

    private record PlainVm(PlainHypervisor hypervisor) implements Vm {
        @Override
        public HandleState state() {
            return new HandleState(ID, 1, "{}");
        }

        @Override
        public void release() {}

        @Override
        public void destroy(Call call) {}

        @Override
        public String monitorRole() {
            return "vmm";
        }

        @Override
        public GuestChannel guestChannel() {
            return new GuestChannel.SerialSocket();
        }

        @Override
        public void boot(Call call) {
            hypervisor.booting();
        }

        @Override
        public void attach(Device device, Call call) {}

        @Override
        public void detach(DeviceId device, Call call) {}

        @Override
        public void powerOff(Call call) {}

        @Override
        public VmExit explain(VmEnd end) {
            return new VmExit.Crashed("It was nothing.");
        }
    }
}
