// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;

import io.hako.api.device.Device;
import io.hako.api.driver.HandleState;
import io.hako.api.hypervisor.Vm;
import io.hako.api.types.FailureKind;
import java.util.List;
import org.junit.Test;

/**
 * What every hypervisor promises. A vendor extends this class, and says how to make a driver and a
 * machine:
 *
 * {@snippet lang=java :
 * public final class ExampleContractTest extends HypervisorContract {
 *     @Override protected Testbed newTestbed() { return new FakeTestbed(new FakeNode(temporary.getRoot().toPath())); }
 *     @Override protected Hypervisor newDriver() { return new ExampleHypervisor(); }
 *     @Override protected Settings settings() { return new FixedSettings(new ExampleSettings()); }
 *     @Override protected VmSpec spec() { return smallest; }
 *     @Override protected Device device(DeviceKind kind, int number) { return madeBefore(kind, number); }
 * }
 * }
 *
 * <p>The theme of this file: adoption, as far as it is about machines.
 */
public abstract class HypervisorContract extends HypervisorRefusals {
    @Test
    public void anAdoptedMachineIsReachedTheSameWay() {
        Vm vm = booted();
        vm.release();
        Vm adopted = adopt(vm.state());
        assertEquals(vm.guestChannel(), adopted.guestChannel());
        assertEquals(vm.monitorRole(), adopted.monitorRole());
        adopted.boot(call());
    }

    @Test
    public void aMachineThatDidNotBootIsBootedAfterAdoption() {
        Vm vm = make();
        vm.release();
        adopt(vm.state()).boot(call());
    }

    @Test
    public void moreDevicesThanTheStateKnowsAreFound() {
        Device device = device(hotKind(profile()), 0);
        Vm vm = booted();
        HandleState before = vm.state();
        vm.attach(device, call()); // killed before the new state was journalled
        HandleState after = vm.state();
        vm.release();

        Vm adopted = adopt(before);
        adopted.attach(device, call());
        assertEquals("what is attached counts, not what is recorded", after, adopted.state());
    }

    @Test
    public void fewerDevicesThanTheStateKnowsAreFound() {
        Device device = device(hotKind(profile()), 0);
        Vm vm = booted();
        HandleState without = vm.state();
        vm.attach(device, call());
        HandleState with = vm.state();
        vm.destroy(call());
        testbed().undo(OWNER);
        booted().release();

        Vm adopted = adopt(with);
        adopted.detach(device.id(), call());
        assertEquals("what is attached counts, not what is recorded", without, adopted.state());
    }

    @Test
    public void anEndedMachineIsAdoptedToBeDestroyed() {
        Vm vm = booted();
        HandleState state = vm.state();
        vm.release();
        monitor(vm).kill(9);
        monitor(vm).awaitExit(call());

        Vm adopted = adopt(state);
        assertFalse("It is still known how the monitor ended.", monitor(adopted).exit().isEmpty());
        assertFails(FailureKind.FAILED_PRECONDITION, () -> adopted.boot(call()));
        adopted.destroy(call());
        assertNothingLeft();
    }

    @Test
    public void aMachineThatIsGoneIsNotAdopted() {
        HandleState state = make().state();
        testbed().undo(OWNER);
        assertFails(FailureKind.NOT_FOUND, () -> adopt(state));
        assertEquals(List.of(), testbed().effects(OWNER));
    }
}
