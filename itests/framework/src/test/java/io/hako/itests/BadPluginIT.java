// SPDX-License-Identifier: Apache-2.0
package io.hako.itests;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.hypervisor.Vm;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.driverhost.Lease;
import io.hako.driverhost.SwapReport;
import io.hako.itests.plugin.FailsInCalls;
import io.hako.itests.plugin.FailsToAdopt;
import io.hako.itests.plugin.FailsToStart;
import io.hako.itests.plugin.LeavesShutdownHook;
import io.hako.itests.plugin.LeavesThread;
import io.hako.itests.plugin.LeavesThreadLocal;
import io.hako.itests.plugin.PlainHypervisor;
import io.hako.itests.plugin.TakesLong;
import io.hako.settings.DriverSettings;
import io.hako.ttrpc.CallScope;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;

/** Plugins with one fault each: the daemon says so, and whatever else runs goes on. */
public class BadPluginIT extends DriverHostFixture {
    private static final DriverId PLAIN = DriverId.parse("hypervisor/plain");
    private static final DriverSettings DEFAULTS = DriverSettings.parse("{}");

    @Test
    public void aPluginThatFailsToStartIsRefusedAndTheOldOneGoesOn() throws Exception {
        install(PlainHypervisor.class, "1.0.0");
        Lease<Vm> lease = plainMachine();
        DriverException e = assertThrows(DriverException.class, () -> swap(FailsToStart.class));
        assertEquals(FailureKind.FAILED_PRECONDITION, e.failure());
        assertEquals(
                "Bundle io.hako.fake 2.0.0 was not taken: Component plain failed to start: "
                        + "java.lang.IllegalStateException: no such day.",
                e.getMessage());
        boot(lease);
    }

    @Test
    public void aPluginThatCannotAdoptLeavesTheHandleWithTheOldOne() throws Exception {
        install(PlainHypervisor.class, "1.0.0");
        Lease<Vm> lease = plainMachine();
        SwapReport report = swap(FailsToAdopt.class);
        assertEquals(List.of(0, 1, 0), List.of(report.moved(), report.pinned(), report.failed()));
        assertEquals(
                List.of(
                        "Handle h0 of sandbox itests@plain stays with the old bundle: Driver hypervisor/plain failed: "
                                + "java.lang.IllegalStateException: cannot read this. This is a fault of the driver."),
                report.reasons());
        boot(lease);
    }

    @Test
    public void anExceptionOfThePluginsOwnClassIsAFaultAndKeepsNoClass() throws Exception {
        install(FailsInCalls.class, "1.0.0");
        Lease<Vm> lease = plainMachine();
        DriverException kept = assertThrows(DriverException.class, () -> boot(lease));
        assertEquals(FailureKind.INTERNAL, kept.failure());
        assertTrue(kept.getMessage(), kept.getMessage().contains("unheard of"));
        assertTrue(
                "the exception is held here, the loader is not",
                swap(PlainHypervisor.class).collected());
        boot(lease);
        assertEquals(FailureKind.INTERNAL, kept.failure());
    }

    @Test
    public void aCallThatOutlivesItsBundleEndsWell() throws Exception {
        Bundle bundle = install(TakesLong.class, "1.0.0");
        install(PlainHypervisor.class, "2.0.0");
        Lease<Vm> lease = plainMachine();
        FutureTask<Boolean> booting = new FutureTask<>(() -> boot(lease), true);
        Thread caller = Thread.ofPlatform().name("caller").start(booting);
        while (!caller.getName().equals(TakesLong.INSIDE)) {
            Thread.onSpinWait();
        }
        bundle.uninstall();
        assertFalse("the call is not waited for to its end", booting.isDone());
        assertTrue(booting.get(30, TimeUnit.SECONDS));
        boot(lease);
        assertEquals("2.0.0", holder());
    }

    @Test
    public void aThreadThatIsLeftBehindIsFound() throws Exception {
        assertNotCollected(LeavesThread.class);
        Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().equals("left-behind"))
                .forEach(Thread::interrupt);
    }

    @Test
    public void aThreadLocalThatIsLeftBehindIsFound() throws Exception {
        assertNotCollected(LeavesThreadLocal.class);
    }

    @Test
    public void aShutdownHookThatIsLeftBehindIsFound() throws Exception {
        assertNotCollected(LeavesShutdownHook.class);
    }

    @Test
    public void callsFailWithTheReasonWhileAnUpdateDoesNotResolveAndGoOnAfterwards()
            throws Exception {
        Bundle bundle = install("1.0.0");
        Lease<Vm> lease = machine("m");
        var broken =
                PluginJar.altered(
                        original(),
                        work().resolve("broken.jar"),
                        main ->
                                main.putValue(
                                        "Import-Package",
                                        main.getValue("Import-Package")
                                                + ",com.example.missing;version=\"[1,2)\""));
        assertThrows(BundleException.class, () -> bundle.update(Files.newInputStream(broken)));
        DriverException e =
                assertThrows(
                        DriverException.class,
                        () ->
                                lease.run(
                                        CallScope.within(Duration.ofMillis(300)),
                                        vm -> vm.boot(call())));
        assertEquals(FailureKind.UNAVAILABLE, e.failure());
        assertTrue(
                e.getMessage(),
                e.getMessage()
                        .endsWith("nothing provides package com.example.missing [1.0.0,2.0.0)."));
        bundle.update(Files.newInputStream(jar("1.0.1")));
        bundle.start();
        lease.run(call(), vm -> vm.boot(call()));
    }

    private void assertNotCollected(Class<? extends PlainHypervisor> driver) throws Exception {
        install(driver, "1.0.0");
        Lease<Vm> lease = plainMachine();
        boot(lease);
        SwapReport report = swap(PlainHypervisor.class);
        assertEquals(1, report.moved());
        assertFalse("the old loader is kept, and the report says so", report.collected());
        boot(lease);
    }

    private Bundle install(Class<? extends PlainHypervisor> driver, String version)
            throws Exception {
        Bundle bundle =
                context.installBundle(
                        "itests:plain-" + version,
                        Files.newInputStream(PlainPlugin.of(driver, work(), version)));
        bundle.start();
        return bundle;
    }

    private SwapReport swap(Class<? extends PlainHypervisor> driver) {
        return admin.swap(PLAIN, PlainPlugin.of(driver, work(), "2.0.0"), DEFAULTS, call());
    }

    private Lease<Vm> plainMachine() {
        return sandbox("plain").drivers().create("h0", PLAIN, "{}", spec(), call());
    }

    private static void boot(Lease<Vm> lease) {
        lease.run(call(), vm -> vm.boot(call()));
    }

    private String holder() {
        return admin.list().stream()
                .filter(view -> view.leases() == 1)
                .findFirst()
                .orElseThrow()
                .version();
    }
}
