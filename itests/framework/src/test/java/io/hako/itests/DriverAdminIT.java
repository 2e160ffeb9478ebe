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
import io.hako.driverhost.DriverView;
import io.hako.driverhost.Lease;
import io.hako.driverhost.SwapReport;
import io.hako.itests.plugin.ProbesLong;
import io.hako.settings.DriverSettings;
import io.hako.ttrpc.CallScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;

/** What cannot serve is refused with the reason, and nothing that runs is disturbed. */
public class DriverAdminIT extends DriverHostFixture {
    private static final DriverSettings DEFAULTS = DriverSettings.parse("{}");

    @Test
    public void aBundleForAnotherApiIsRefusedWithPackageAndRange() throws Exception {
        assertRefused(
                FailureKind.FAILED_PRECONDITION,
                forLaterApi(),
                DEFAULTS,
                "Bundle io.hako.fake 9.0.0 was not taken: Bundle io.hako.fake 9.0.0 does not resolve: nothing provides package "
                        + "io.hako.api.types [2.0.0,3.0.0).");
    }

    @Test
    public void aBundleThatFailsItsProbeIsRefusedWithTheFinding() throws Exception {
        assertRefused(
                FailureKind.FAILED_PRECONDITION,
                jar("9.0.0"),
                DriverSettings.parse("{\"program\":\"/nonexistent\"}"),
                "Bundle io.hako.fake 9.0.0 was not taken: its probe failed. There is no program /nonexistent. "
                        + "Set program to one that exists.");
    }

    @Test
    public void aBundleOfAnotherDriverIsRefused() throws Exception {
        Path other =
                PluginJar.altered(
                        original(),
                        work().resolve("other.jar"),
                        main -> {
                            main.putValue("Bundle-Version", "9.0.0");
                            main.putValue(
                                    "Provide-Capability",
                                    main.getValue("Provide-Capability")
                                            .replace("name=fake", "name=other"));
                        });
        assertRefused(
                FailureKind.INVALID_REQUEST,
                other,
                DEFAULTS,
                "Bundle io.hako.fake 9.0.0 announces no driver hypervisor/fake: give a jar that does.");
    }

    @Test
    public void aBundleWhoseServiceWaitsForAnotherIsRefusedWithTheReference() throws Exception {
        assertRefused(
                FailureKind.FAILED_PRECONDITION,
                waiting(),
                DEFAULTS,
                "Bundle io.hako.fake 9.0.0 was not taken: "
                        + "Component io.hako.fake.FakeHypervisor waits for a service: java.util.concurrent.Callable.");
    }

    @Test
    public void aFileThatIsNoJarIsRefused() throws Exception {
        Path text = Files.writeString(work().resolve("text.jar"), "no jar");
        install("1.0.0");
        Set<Path> before = keptJars();
        DriverException e =
                assertThrows(
                        DriverException.class, () -> admin.swap(DRIVER, text, DEFAULTS, call()));
        assertEquals(FailureKind.INVALID_REQUEST, e.failure());
        assertEquals(List.of("1.0.0"), versions());
        assertEquals("nothing of it is kept", before, keptJars());
    }

    @Test
    public void aMissingJarIsRefused() throws Exception {
        assertRefused(
                FailureKind.NOT_FOUND,
                Path.of("/nonexistent.jar"),
                DEFAULTS,
                "There is no plugin jar /nonexistent.jar.");
    }

    @Test
    public void aSwapWaitsForAnotherNoLongerThanItsCall() throws Exception {
        CallScope first = CallScope.within(Duration.ofSeconds(30));
        DriverId plain = DriverId.parse("hypervisor/plain");
        Path jar = PlainPlugin.of(ProbesLong.class, work(), "1.0.0");
        FutureTask<SwapReport> slow =
                new FutureTask<>(() -> admin.swap(plain, jar, DEFAULTS, first));
        Thread caller = Thread.ofPlatform().name("caller").start(slow);
        try {
            while (!caller.getName().equals(ProbesLong.INSIDE) && !slow.isDone()) {
                Thread.onSpinWait();
            }
            DriverException e =
                    assertThrows(
                            DriverException.class,
                            () ->
                                    admin.swap(
                                            DRIVER,
                                            jar("1.0.0"),
                                            DEFAULTS,
                                            CallScope.within(Duration.ofMillis(100))));
            assertEquals("The swap of drivers was busy with another call.", e.getMessage());
            assertEquals(FailureKind.DEADLINE_EXCEEDED, e.failure());
        } finally {
            first.cancel();
            caller.join();
        }
        assertThrows(ExecutionException.class, slow::get);
    }

    /** The machine goes on with the bundle that it has, before and after. */
    private void assertRefused(FailureKind kind, Path jar, DriverSettings settings, String sentence)
            throws Exception {
        install("1.0.0");
        Lease<Vm> lease = machine("m");
        Set<Path> before = keptJars();
        DriverException e =
                assertThrows(
                        DriverException.class, () -> admin.swap(DRIVER, jar, settings, call()));
        assertEquals(sentence, e.getMessage());
        assertEquals(kind, e.failure());
        assertEquals(List.of("1.0.0"), versions());
        assertEquals("nothing of it is kept", before, keptJars());
        lease.run(call(), vm -> vm.attach(disk(), call()));
        assertEquals(1, leases("1.0.0"));
    }

    /** Of those that were swapped in. */
    private Set<Path> keptJars() throws IOException {
        Path plugins = Path.of(context.getProperty("hako.state")).resolve("plugins");
        try (Stream<Path> files = Files.list(plugins)) {
            return files.filter(file -> file.toString().endsWith(".jar"))
                    .collect(Collectors.toSet());
        }
    }

    @Test
    public void aHandleThatTheNewBundleCannotReadStaysWithTheOldAndMovesLater() throws Exception {
        install("1.0.0");
        Lease<Vm> old = machine("old");
        Path unable =
                PluginJar.altered(
                        original(),
                        work().resolve("unable.jar"),
                        main -> {
                            main.putValue("Bundle-Version", "2.0.0");
                            main.putValue(
                                    "Provide-Capability",
                                    main.getValue("Provide-Capability")
                                            .replace("Long=1", "Long=7"));
                        });
        SwapReport pinned = admin.swap(DRIVER, unable, DEFAULTS, call());
        assertEquals(List.of(0, 1, 0), List.of(pinned.moved(), pinned.pinned(), pinned.failed()));
        assertEquals(
                List.of(
                        "Handle h0 of sandbox itests@old stays with the old bundle: "
                                + "The state of h0 has schema 1, but bundle 2.0.0 reads 7 to 7."),
                pinned.reasons());
        assertFalse("the old bundle is needed", pinned.collected());

        machine("new");
        old.run(call(), vm -> vm.attach(disk(), call()));
        assertEquals(List.of(1, 1), List.of(leases("1.0.0"), leases("2.0.0")));

        SwapReport moved = admin.swap(DRIVER, jar("3.0.0"), DEFAULTS, call());
        assertEquals(List.of(2, 0, 0), List.of(moved.moved(), moved.pinned(), moved.failed()));
        assertTrue("both old bundles are gone", moved.collected());
        assertEquals(List.of("3.0.0"), versions());
    }

    @Test
    public void whyTellsOfABundleThatIsNotInstalledNotResolvedStoppedOrAtWork() throws Exception {
        assertEquals(
                List.of("No installed bundle announces driver hypervisor/other."),
                admin.why(DriverId.parse("hypervisor/other")));

        Bundle unresolved = install(forLaterApi());
        assertThrows(BundleException.class, unresolved::start);
        assertEquals(
                List.of(
                        "Bundle io.hako.fake 9.0.0 does not resolve: nothing provides package io.hako.api.types "
                                + "[2.0.0,3.0.0)."),
                admin.why(DRIVER));
        unresolved.uninstall();

        Bundle waiting = install(waiting());
        waiting.start();
        assertEquals(
                List.of(
                        "Component io.hako.fake.FakeHypervisor waits for a service: java.util.concurrent.Callable."),
                admin.why(DRIVER));
        waiting.uninstall();

        Bundle good = install("1.0.0");
        assertEquals(List.of("Bundle io.hako.fake 1.0.0 is at work."), admin.why(DRIVER));
        good.stop();
        assertEquals(List.of("Bundle io.hako.fake 1.0.0 is stopped: start it."), admin.why(DRIVER));
    }

    @Test
    public void aCallWithoutADriverFailsWithTheReason() throws Exception {
        install("1.0.0").stop();
        DriverException e =
                assertThrows(
                        DriverException.class,
                        () ->
                                sandbox("m")
                                        .drivers()
                                        .create(
                                                "h0",
                                                DRIVER,
                                                "{}",
                                                spec(),
                                                CallScope.within(Duration.ofMillis(200))));
        assertEquals(
                "Driver hypervisor/fake is not there. Bundle io.hako.fake 1.0.0 is stopped: start it.",
                e.getMessage());
        assertEquals(FailureKind.UNAVAILABLE, e.failure());
    }

    private Path forLaterApi() {
        return PluginJar.altered(
                original(),
                work().resolve("later.jar"),
                main -> {
                    main.putValue("Bundle-Version", "9.0.0");
                    main.putValue(
                            "Import-Package",
                            main.getValue("Import-Package")
                                    .replaceAll(
                                            "io\\.hako\\.api\\.types;version=\"[^\"]*\"",
                                            "io.hako.api.types;version=\"[2.0,3.0)\""));
                });
    }

    private Path waiting() {
        return PluginJar.altered(
                original(),
                work().resolve("waiting.jar"),
                main -> main.putValue("Bundle-Version", "9.0.0"),
                (name, text) ->
                        name.endsWith("FakeHypervisor.xml")
                                ? text.replace(
                                        "<implementation",
                                        "<reference name=\"r\" interface=\"java.util.concurrent.Callable\"/><implementation")
                                : text);
    }

    private Bundle install(Path jar) throws BundleException, IOException {
        return context.installBundle("itests:" + jar.getFileName(), Files.newInputStream(jar));
    }

    private List<String> versions() {
        return admin.list().stream().map(DriverView::version).distinct().toList();
    }

    private int leases(String version) {
        return admin.list().stream()
                .filter(view -> view.driver().equals(DRIVER) && view.version().equals(version))
                .mapToInt(DriverView::leases)
                .sum();
    }
}
