// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;

import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.hypervisor.Vm;
import io.hako.api.types.DeviceId;
import io.hako.api.types.FailureKind;
import java.util.Arrays;
import java.util.Optional;
import org.junit.Assume;
import org.junit.Test;

/** Theme: devices come and go while the machine runs. */
public abstract class HypervisorDevices extends HypervisorLifecycle {
    /** Some kind that can be attached hot; the test is skipped if none can. */
    static DeviceKind hotKind(HypervisorProfile profile) {
        Optional<DeviceKind> kind =
                Arrays.stream(DeviceKind.values())
                        .filter(k -> profile.hotAttach().getOrDefault(k, 0) > 0)
                        .findFirst();
        Assume.assumeTrue("The driver attaches nothing hot.", kind.isPresent());
        return kind.get();
    }

    @Test
    public void attachingAnEqualDeviceAgainSucceeds() {
        Device device = device(hotKind(profile()), 0);
        Vm vm = booted();
        vm.attach(device, call());
        vm.attach(device, call());
        assertEquals("attached once", vm.state(), adopt(vm.state()).state());
    }

    @Test
    public void anotherDeviceOfTheSameIdIsRefused() {
        DeviceKind kind = hotKind(profile());
        Device one = device(kind, 0);
        Device other = DeviceCopies.withId(device(kind, 1), one.id());
        Vm vm = booted();
        vm.attach(one, call());
        assertFails(FailureKind.ALREADY_EXISTS, () -> vm.attach(other, call()));
    }

    @Test
    public void detachingWhatIsNotAttachedSucceeds() {
        booted().detach(new DeviceId("nothing"), call());
    }

    @Test
    public void eachKindIsAttachedUpToItsLimitAndThenRefusedWithTheLimit() {
        for (var entry : profile().hotAttach().entrySet()) {
            Vm vm = booted();
            int most = entry.getValue();
            for (int i = 0; i < most; i++) {
                vm.attach(device(entry.getKey(), i), call());
            }
            Device tooMany = device(entry.getKey(), most);
            var refusal = assertFails(FailureKind.EXHAUSTED, () -> vm.attach(tooMany, call()));
            assertEquals(
                    "the limit is named: " + refusal.getMessage(),
                    true,
                    refusal.getMessage().contains("" + most));
            vm.destroy(call());
            testbed().undo(OWNER);
        }
    }

    @Test
    public void aKindThatIsNotDeclaredIsRefused() {
        Vm vm = booted();
        for (DeviceKind kind : DeviceKind.values()) {
            if (profile().hotAttach().getOrDefault(kind, 0) == 0) {
                assertFails(FailureKind.UNSUPPORTED, () -> vm.attach(device(kind, 0), call()));
            }
        }
    }

    @Test
    public void anEndedMachineTakesNoDevice() {
        Device device = device(hotKind(profile()), 0);
        Vm vm = make();
        vm.powerOff(call());
        assertFails(FailureKind.FAILED_PRECONDITION, () -> vm.attach(device, call()));
    }
}
