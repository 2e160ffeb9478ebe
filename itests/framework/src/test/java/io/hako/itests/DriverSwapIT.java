// SPDX-License-Identifier: Apache-2.0
package io.hako.itests;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import io.hako.api.hypervisor.Vm;
import io.hako.driverhost.DriverView;
import io.hako.driverhost.Lease;
import io.hako.driverhost.SwapReport;
import io.hako.settings.DriverSettings;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.wiring.FrameworkWiring;

/** No call fails while a driver is stopped, updated, uninstalled, refreshed or swapped under it. */
public class DriverSwapIT extends DriverHostFixture {
    private static final int MACHINES = 8;

    @Test
    public void callsMoveToTheOtherBundleOnStopAndBackOnStart() throws Exception {
        Bundle one = install("1.0.0");
        Bundle two = install("2.0.0");
        try (Traffic traffic = new Traffic(machines())) {
            for (int i = 0; i < 10; i++) {
                one.stop();
                assertHolders(traffic, "2.0.0");
                one.start();
                two.stop();
                assertHolders(traffic, "1.0.0");
                two.start();
            }
            assertNoneFailed(traffic);
        }
    }

    @Test
    public void callsWaitWhileTheOnlyDriverIsUpdated() throws Exception {
        Bundle only = install("1.0.0");
        try (Traffic traffic = new Traffic(machines())) {
            for (int i = 0; i < 10; i++) {
                only.update(Files.newInputStream(jar(i % 2 == 0 ? "1.1.0" : "1.0.0")));
                assertHolders(traffic, i % 2 == 0 ? "1.1.0" : "1.0.0");
            }
            assertNoneFailed(traffic);
        }
    }

    @Test
    public void callsGoOnAfterUninstallAndRefresh() throws Exception {
        Bundle one = install("1.0.0");
        Bundle two = install("2.0.0");
        try (Traffic traffic = new Traffic(machines())) {
            refresh(two);
            refresh(one);
            one.uninstall();
            refresh(one);
            assertHolders(traffic, "2.0.0");
            assertNoneFailed(traffic);
        }
    }

    @Test
    public void tenSwapsMoveEveryRunningMachineAndFreeTheOldClasses() throws Exception {
        install("1.0.0");
        try (Traffic traffic = new Traffic(machines())) {
            for (int i = 0; i < 10; i++) {
                SwapReport report =
                        admin.swap(
                                DRIVER,
                                jar("3.%d.0".formatted(i)),
                                DriverSettings.parse("{}"),
                                call());
                assertEquals(report.reasons().toString(), MACHINES, report.moved());
                assertEquals(0, report.pinned() + report.failed());
                assertTrue("the old class loader is gone", report.collected());
                assertEquals(Set.of("3.%d.0".formatted(i)), versions());
            }
            assertNoneFailed(traffic);
        }
    }

    @Test
    public void aSwapForTheSameContentIsARealSwap() throws Exception {
        install("1.0.0");
        List<Lease<Vm>> machines = machines();
        assertEquals(
                MACHINES,
                admin.swap(DRIVER, jar("1.0.0"), DriverSettings.parse("{}"), call()).moved());
        assertEquals(
                MACHINES,
                admin.swap(DRIVER, jar("1.0.0"), DriverSettings.parse("{}"), call()).moved());
        assertEquals(1, admin.list().stream().filter(view -> view.driver().equals(DRIVER)).count());
        machines.forEach(lease -> lease.destroy(call()));
    }

    private List<Lease<Vm>> machines() {
        List<Lease<Vm>> machines = new ArrayList<>();
        for (int i = 0; i < MACHINES; i++) {
            machines.add(machine("m" + i));
        }
        return machines;
    }

    /** Waits until every machine was called again, and looks who has it. */
    private void assertHolders(Traffic traffic, String version) throws InterruptedException {
        assertTrue("calls go on", traffic.awaitCallsOnEach(6));
        int held =
                admin.list().stream()
                        .filter(
                                view ->
                                        view.driver().equals(DRIVER)
                                                && view.version().equals(version))
                        .mapToInt(DriverView::leases)
                        .sum();
        assertEquals(MACHINES, held);
    }

    private static void assertNoneFailed(Traffic traffic) throws InterruptedException {
        assertTrue("calls go on", traffic.awaitCallsOnEach(2));
        assertEquals(List.of(), traffic.failures());
    }

    private Set<String> versions() {
        return Set.copyOf(admin.list().stream().map(DriverView::version).toList());
    }

    private void refresh(Bundle bundle) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(1);
        context.getBundle(0)
                .adapt(FrameworkWiring.class)
                .refreshBundles(Set.of(bundle), event -> done.countDown());
        done.await();
    }
}
