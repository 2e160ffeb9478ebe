// SPDX-License-Identifier: Apache-2.0
package io.hako.itests;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.hypervisor.Pausable;
import io.hako.api.hypervisor.Resizable;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import io.hako.driverhost.Lease;
import io.hako.host.shim.ShimProcess;
import java.nio.file.Files;
import java.util.List;
import org.junit.Test;

/** What the journal has is enough: to adopt a handle, and to undo it without its driver. */
public class HandleJournalIT extends DriverHostFixture {
    @Test
    public void aHandleIsAdoptedFromTheJournalByTheNextDaemon() throws Exception {
        install("1.0.0");
        Sandbox sandbox = sandbox("m");
        Lease<Vm> first = sandbox.drivers().create("h0", DRIVER, "{}", spec(), call());
        first.run(call(), vm -> vm.boot(call()));
        first.run(call(), vm -> vm.attach(disk(), call()));
        String state = first.state().json();
        assertTrue("a changed state is journalled: " + state, state.contains("disk"));
        sandbox.restart();

        Lease<Vm> next = sandbox.drivers().adoptVm("h0", call());
        assertEquals(state, next.state().json());
        next.destroy(call());
        assertNothingLeft(sandbox);
    }

    @Test
    public void settingsAreFrozenWithEveryDefault() throws Exception {
        install("1.0.0");
        Sandbox sandbox = sandbox("m");
        sandbox.drivers().create("h0", DRIVER, "{\"most_cpus\":3}", spec(), call());
        String frozen = sandbox.journal.record().handles().get("h0").settings();
        assertTrue(
                frozen,
                frozen.contains("\"most_cpus\":3")
                        && frozen.contains("\"program\":\"/bin/sleep\""));
    }

    @Test
    public void aHandleIsUndoneWithoutItsDriver() throws Exception {
        var bundle = install("1.0.0");
        Sandbox sandbox = sandbox("m");
        sandbox.drivers().create("h0", DRIVER, "{}", spec(), call());
        bundle.uninstall();
        sandbox.drivers().undo("h0", call());
        assertNothingLeft(sandbox);
        sandbox.drivers().undo("h0", call());
    }

    @Test
    public void aHandleWhoseShimIsDeadIsUndone() throws Exception {
        install("1.0.0");
        Sandbox sandbox = sandbox("m");
        Lease<Vm> lease = sandbox.drivers().create("h0", DRIVER, "{}", spec(), call());
        shims.remove(sandbox.shim);
        sandbox.drivers().undo("h0", call());
        assertEquals(List.of(), sandbox.journal.record().effects());
        assertFalse(Files.exists(sandbox.pod.resolve("h0")));
        DriverException e =
                assertThrows(DriverException.class, () -> lease.run(call(), vm -> vm.boot(call())));
        assertEquals("The handle h0 of sandbox itests@m is no longer there.", e.getMessage());
    }

    @Test
    public void aFailedCreateLeavesNothing() throws Exception {
        install("1.0.0");
        Sandbox sandbox = sandbox("m");
        VmSpec s = spec();
        MemorySize much = MemorySize.ofGibibytes(64);
        VmSpec huge =
                new VmSpec(
                        s.cpus(),
                        s.cpuCeiling(),
                        much,
                        much,
                        s.mappedWindow(),
                        s.boot(),
                        s.devices(),
                        s.network());
        DriverException e =
                assertThrows(
                        DriverException.class,
                        () -> sandbox.drivers().create("h0", DRIVER, "{}", huge, call()));
        assertEquals(
                "A machine of up to 64 GiB was asked for, but hypervisor/fake runs at most 4 GiB.",
                e.getMessage());
        assertNothingLeft(sandbox);
        sandbox.drivers().create("h0", DRIVER, "{}", s, call()).destroy(call());
        assertNothingLeft(sandbox);
    }

    @Test
    public void aSlotIsTakenOnce() throws Exception {
        install("1.0.0");
        Sandbox sandbox = sandbox("m");
        sandbox.drivers().create("h0", DRIVER, "{}", spec(), call());
        DriverException e =
                assertThrows(
                        DriverException.class,
                        () -> sandbox.drivers().create("h0", DRIVER, "{}", spec(), call()));
        assertEquals("Sandbox itests@m has a handle h0 already.", e.getMessage());
    }

    @Test
    public void destroyIsIdempotentAndLeavesNothing() throws Exception {
        install("1.0.0");
        Sandbox sandbox = sandbox("m");
        Lease<Vm> lease = sandbox.drivers().create("h0", DRIVER, "{}", spec(), call());
        lease.destroy(call());
        lease.destroy(call());
        assertNothingLeft(sandbox);
    }

    @Test
    public void powersAreLentLikeTheHandle() throws Exception {
        install("1.0.0");
        Lease<Vm> lease = machine("m");
        lease.power(
                Pausable.class,
                call(),
                vm -> {
                    vm.pause(call());
                    return vm;
                });
        assertEquals(
                spec().memory(),
                lease.power(
                        Resizable.class, call(), vm -> vm.resizeMemory(spec().memory(), call())));
        DriverException e =
                assertThrows(
                        DriverException.class,
                        () -> lease.power(Runnable.class, call(), power -> power));
        assertEquals(
                "Driver hypervisor/fake cannot do this: its handles are not Runnable.",
                e.getMessage());
        assertEquals(FailureKind.UNSUPPORTED, e.failure());
    }

    /** Before and after each thing that the shim does, from creating a machine to destroying it. */
    @Test
    public void aDaemonKilledAtAnyStepLeavesAHandleOrNothing() throws Exception {
        install("1.0.0");
        int steps = 0;
        while (isKilled(sandbox("k" + steps), steps)) {
            steps++;
        }
        assertTrue(
                "launch, kill, forget and three files: before and after each, but only %d"
                        .formatted(steps),
                steps >= 12);
    }

    private boolean isKilled(Sandbox sandbox, int step) {
        sandbox.shim.killDaemonAfter(step);
        boolean killed = false;
        try {
            Lease<Vm> lease = sandbox.drivers().create("h0", DRIVER, "{}", spec(), call());
            lease.run(call(), vm -> vm.boot(call()));
            lease.destroy(call());
        } catch (FakeShim.DaemonKilled e) {
            killed = true;
        }
        sandbox.shim.letDaemonLive();
        sandbox.restart();
        if (sandbox.journal.record().handles().containsKey("h0")) {
            destroyOrUndo(sandbox);
        } else {
            sandbox.drivers().undo("h0", call());
        }
        assertNothingLeft(sandbox);
        return killed;
    }

    /** As the daemon does: a handle that is half destroyed may not be adopted any more. */
    private static void destroyOrUndo(Sandbox sandbox) {
        try {
            sandbox.drivers().adoptVm("h0", call()).destroy(call());
        } catch (DriverException e) {
            assertEquals(FailureKind.NOT_FOUND, e.failure());
            sandbox.drivers().undo("h0", call());
        }
    }

    private void assertNothingLeft(Sandbox sandbox) {
        assertEquals(List.of(), sandbox.journal.record().effects());
        assertTrue("no handle is journalled", sandbox.journal.record().handles().isEmpty());
        assertEquals(List.<ShimProcess>of(), sandbox.shim.processes(call()));
        assertFalse("the workspace is gone", Files.exists(sandbox.pod.resolve("h0")));
    }
}
