// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.hako.api.hypervisor.Resizable;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmFeature;
import io.hako.api.types.Call;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import io.hako.fake.node.FakeCall;
import java.time.Duration;
import org.junit.Assume;
import org.junit.Before;
import org.junit.Test;

/** Theme: a machine changes its size while it runs, up to its spec's ceilings. */
public abstract class HypervisorSizes extends HypervisorDevices {
    /** Whether the spec's guest takes the memory that it is offered, as a kernel's driver does. */
    protected boolean guestTakesMemory() {
        return true;
    }

    @Before
    public final void aSpecHasRoomToGrow() {
        if (resizes()) {
            assertTrue(
                    "The spec's ceilings are above its size.",
                    spec().memoryCeiling().compareTo(spec().memory()) > 0
                            && spec().cpuCeiling().compareTo(spec().cpus()) > 0);
        }
    }

    @Test
    public void memoryGrowsToTheCeilingAndIsThereForTheNextDriver() {
        Vm vm = resizable();
        MemorySize ceiling = spec().memoryCeiling();
        assertEquals(taken(ceiling), ((Resizable) vm).resizeMemory(ceiling, offer()));
        vm.release();
        Resizable adopted = (Resizable) adopt(vm.state());
        assertEquals(taken(ceiling), adopted.resizeMemory(ceiling, offer()));
    }

    /** A guest that takes nothing is not waited for as long as a test may last. */
    private Call offer() {
        return guestTakesMemory() ? call() : FakeCall.within(Duration.ofSeconds(1));
    }

    private MemorySize taken(MemorySize offered) {
        return guestTakesMemory() ? offered : spec().memory();
    }

    @Test
    public void noMoreMemoryIsTakenBackThanWasGivenAfterBoot() {
        Resizable vm = (Resizable) resizable();
        vm.resizeMemory(spec().memoryCeiling(), offer());
        MemorySize left = vm.resizeMemory(MemorySize.ofMebibytes(1), call());
        assertTrue(left + " is what it booted with", left.compareTo(spec().memory()) >= 0);
        assertEquals(spec().memory(), vm.resizeMemory(spec().memory(), call()));
    }

    @Test
    public void cpusComeAndAreThereForTheNextDriver() {
        Vm vm = resizable();
        CpuCount ceiling = spec().cpuCeiling();
        assertEquals(ceiling, ((Resizable) vm).resizeCpus(ceiling, call()));
        assertEquals(ceiling, ((Resizable) vm).resizeCpus(ceiling, call()));
        vm.release();
        Resizable adopted = (Resizable) adopt(vm.state());
        CpuCount left = adopted.resizeCpus(spec().cpus(), call());
        assertTrue(left + " CPUs", left.compareTo(spec().cpus()) >= 0);
        assertEquals(ceiling, adopted.resizeCpus(ceiling, call()));
    }

    @Test
    public void memoryBeyondTheCeilingIsRefused() {
        Resizable vm = (Resizable) resizable();
        MemorySize ceiling = spec().memoryCeiling();
        MemorySize beyond = ceiling.plus(MemorySize.ofMebibytes(2));
        DriverException e =
                assertFails(FailureKind.EXHAUSTED, () -> vm.resizeMemory(beyond, call()));
        assertNamed(e, ceiling, beyond);
    }

    @Test
    public void cpusBeyondTheCeilingAreRefused() {
        Resizable vm = (Resizable) resizable();
        CpuCount ceiling = spec().cpuCeiling();
        CpuCount beyond = new CpuCount(ceiling.count() + 1);
        DriverException e = assertFails(FailureKind.EXHAUSTED, () -> vm.resizeCpus(beyond, call()));
        assertNamed(e, ceiling, beyond);
    }

    @Test
    public void aMachineThatHasNotBootedKeepsItsSize() {
        Assume.assumeTrue(resizes());
        Resizable vm = (Resizable) make();
        assertFails(
                FailureKind.FAILED_PRECONDITION,
                () -> vm.resizeMemory(spec().memoryCeiling(), call()));
        assertFails(
                FailureKind.FAILED_PRECONDITION, () -> vm.resizeCpus(spec().cpuCeiling(), call()));
    }

    private static void assertNamed(DriverException e, Object limit, Object value) {
        assertTrue(
                e.getMessage(),
                e.getMessage().contains(limit.toString())
                        && e.getMessage().contains(value.toString()));
    }

    private boolean resizes() {
        return profile().features().contains(VmFeature.RESIZE);
    }

    private Vm resizable() {
        Assume.assumeTrue("The driver's machines keep their size.", resizes());
        return booted();
    }
}
