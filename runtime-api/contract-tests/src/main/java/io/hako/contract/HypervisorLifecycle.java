// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.hako.api.device.BlockDisk;
import io.hako.api.device.Device;
import io.hako.api.device.DeviceKind;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.SchemaRange;
import io.hako.api.driver.SupervisedProcess;
import io.hako.api.hypervisor.Hypervisor;
import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.hypervisor.Pausable;
import io.hako.api.hypervisor.Resizable;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmEnd;
import io.hako.api.hypervisor.VmExit;
import io.hako.api.hypervisor.VmFeature;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.types.Call;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverId;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.Assume;
import org.junit.Test;

/** Theme: the life of a machine, from creation to its end. */
public abstract class HypervisorLifecycle extends HandleEvolution<Hypervisor, Vm> {
    /** The smallest machine that the driver can run here, without devices. */
    protected abstract VmSpec spec();

    /** A device with whatever it needs on the host; the same arguments give an equal one. */
    protected abstract Device device(DeviceKind kind, int number);

    @Override
    final Vm make(Hypervisor driver, DriverContext context, Call call) {
        return driver.create(spec(), context, call);
    }

    @Override
    final Vm adopt(Hypervisor driver, HandleState state, DriverContext context, Call call) {
        return driver.adopt(state, context, call);
    }

    @Override
    final void assertLaterIsUnsupported() {
        Device later =
                LaterWorld.variant(
                        Device.class,
                        new BlockDisk(new DeviceId("later"), Path.of("/later"), true, "later"));
        assertFails(
                FailureKind.UNSUPPORTED,
                () -> newDriver().create(with(spec(), later), context(), call()));
        Vm vm = booted();
        HandleState before = vm.state();
        assertFails(FailureKind.UNSUPPORTED, () -> vm.attach(later, call()));
        assertEquals(before, vm.state());
        ExitStatus status = LaterWorld.variant(ExitStatus.class, new ExitStatus.Exited(0));
        VmExit exit = vm.explain(new VmEnd(status, false, Optional.empty(), ""));
        assertTrue(exit.toString(), exit instanceof VmExit.Crashed);
        vm.destroy(call());
    }

    private static VmSpec with(VmSpec spec, Device device) {
        return new VmSpec(
                spec.cpus(),
                spec.cpuCeiling(),
                spec.memory(),
                spec.memoryCeiling(),
                spec.mappedWindow(),
                spec.boot(),
                List.of(device),
                spec.network());
    }

    @Override
    final void use(Vm vm) {
        vm.boot(call());
    }

    @Override
    final DriverId id(Hypervisor driver) {
        return driver.profile(settings()).id();
    }

    @Override
    final SchemaRange schemas(Hypervisor driver) {
        return driver.profile(settings()).schemas();
    }

    final HypervisorProfile profile() {
        return newDriver().profile(settings());
    }

    final SupervisedProcess monitor(Vm vm) {
        return context().find(vm.monitorRole()).orElseThrow();
    }

    final Vm booted() {
        Vm vm = make();
        vm.boot(call());
        return vm;
    }

    /** The worked example of {@link Hypervisor}. */
    @Test
    public void aMachineFromBirthToDeathWithTheDaemonGoneInTheMiddle() {
        DeviceKind kind = HypervisorDevices.hotKind(profile());
        Device share = device(kind, 0);
        Vm vm = newDriver().create(spec(), context(), call());
        vm.boot(call());
        vm.attach(share, call());
        HandleState journalled = vm.state();
        vm.release();

        Vm same = newDriver().adopt(journalled, context(), call());
        same.attach(share, call());
        same.powerOff(call());
        same.destroy(call());
        assertNothingLeft();
    }

    @Test
    public void aCreatedMachineHasAMonitorThatRuns() {
        assertEquals(Optional.empty(), monitor(make()).exit());
    }

    @Test
    public void bootIsIdempotent() {
        Vm vm = booted();
        vm.boot(call());
        assertEquals(Optional.empty(), monitor(vm).exit());
    }

    @Test
    public void powerOffEndsTheMonitorAndIsIdempotent() {
        Vm vm = booted();
        vm.powerOff(call());
        assertTrue("The monitor has ended.", monitor(vm).exit().isPresent());
        vm.powerOff(call());
    }

    @Test
    public void aMachineThatNeverBootedIsPoweredOff() {
        Vm vm = make();
        vm.powerOff(call());
        assertTrue("The monitor has ended.", monitor(vm).exit().isPresent());
    }

    @Test
    public void destroyEndsAMachineThatRuns() {
        booted().destroy(call());
        assertNothingLeft();
    }

    @Test
    public void anEndedMachineDoesNotBoot() {
        Vm vm = make();
        vm.powerOff(call());
        assertFails(FailureKind.FAILED_PRECONDITION, () -> vm.boot(call()));
    }

    @Test
    public void aClosedMachineDoesNothing() {
        Vm vm = booted();
        vm.release();
        assertFails(FailureKind.FAILED_PRECONDITION, () -> vm.boot(call()));
        assertFails(FailureKind.FAILED_PRECONDITION, () -> vm.powerOff(call()));
        assertEquals(Optional.empty(), monitor(vm).exit());
    }

    @Test
    public void powersAreDeclaredIfAndOnlyIfTheyAreThere() {
        Vm vm = make();
        assertEquals(profile().features().contains(VmFeature.PAUSE), vm instanceof Pausable);
        assertEquals(profile().features().contains(VmFeature.RESIZE), vm instanceof Resizable);
    }

    @Test
    public void aPausedMachineGoesOnAfterAdoption() {
        Assume.assumeTrue(profile().features().contains(VmFeature.PAUSE));
        Vm vm = booted();
        ((Pausable) vm).pause(call());
        ((Pausable) vm).pause(call());
        vm.release();
        Pausable adopted = (Pausable) adopt(vm.state());
        adopted.resume(call());
        adopted.resume(call());
        assertEquals(Optional.empty(), monitor(vm).exit());
    }

    @Test
    public void aMachineThatHasNotBootedCannotBePaused() {
        Assume.assumeTrue(profile().features().contains(VmFeature.PAUSE));
        Pausable vm = (Pausable) make();
        assertFails(FailureKind.FAILED_PRECONDITION, () -> vm.pause(call()));
    }

    @Test
    public void aRequestedEndIsRequested() {
        assertTrue(
                explained(new ExitStatus.Exited(0), true, Optional.of("bye"))
                        instanceof VmExit.Requested);
        assertTrue(
                explained(new ExitStatus.Signalled(9), true, Optional.empty())
                        instanceof VmExit.Requested);
    }

    @Test
    public void aCleanEndWithAFarewellIsAGuestPowerOff() {
        assertEquals(
                new VmExit.GuestPowerOff("bye"),
                explained(new ExitStatus.Exited(0), false, Optional.of("bye")));
    }

    @Test
    public void aCleanEndWithoutAFarewellIsACrash() {
        assertCrashed(explained(new ExitStatus.Exited(0), false, Optional.empty()));
    }

    @Test
    public void aFailedOrKilledMonitorIsACrash() {
        assertCrashed(explained(new ExitStatus.Exited(1), false, Optional.empty()));
        assertCrashed(explained(new ExitStatus.Signalled(11), false, Optional.empty()));
        assertCrashed(explained(new ExitStatus.Signalled(9), false, Optional.of("bye")));
    }

    private VmExit explained(ExitStatus monitor, boolean requested, Optional<String> farewell) {
        Vm vm = make();
        VmEnd end = new VmEnd(monitor, requested, farewell, "");
        VmExit exit = vm.explain(end);
        assertEquals("asked twice", exit, vm.explain(end));
        vm.destroy(call());
        testbed().undo(OWNER);
        return exit;
    }

    private static void assertCrashed(VmExit exit) {
        assertTrue(exit + " is a crash", exit instanceof VmExit.Crashed);
        assertSentence(((VmExit.Crashed) exit).cause());
        assertFalse(((VmExit.Crashed) exit).cause().isBlank());
    }
}
