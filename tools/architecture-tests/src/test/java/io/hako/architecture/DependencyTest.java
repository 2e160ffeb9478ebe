// SPDX-License-Identifier: Apache-2.0
package io.hako.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.junit.ArchUnitRunner;
import com.tngtech.archunit.lang.ArchRule;
import org.junit.runner.RunWith;

/** Arrows go one way: shim-endpoint > sandbox > driver-host > plugin, sandbox > guest-client. */
@RunWith(ArchUnitRunner.class)
@AnalyzeClasses(packages = Packages.ALL, importOptions = Packages.WithoutGenerated.class)
public class DependencyTest {
    @ArchTest
    public static final ArchRule theApiDependsOnNothing =
            classes()
                    .that()
                    .resideInAPackage(Packages.API)
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage(
                            Packages.API, "java..", "org.jspecify..", "org.osgi.annotation..");

    @ArchTest
    public static final ArchRule aPluginImportsTheApiAndEmbedsTheRest =
            classes()
                    .that()
                    .resideInAnyPackage(Packages.PLUGINS)
                    .should()
                    .onlyDependOnClassesThat()
                    .resideInAnyPackage(
                            "io.hako.hypervisor..",
                            "io.hako.network..",
                            "io.hako.storage..",
                            Packages.API,
                            "java..",
                            "org.jspecify..",
                            "org.osgi..",
                            "org.slf4j..",
                            "com.google.gson..")
                    .allowEmptyShould(true);

    @ArchTest
    public static final ArchRule pluginsNeverKnowOneAnother =
            slices().matching("io.hako.(hypervisor|network|storage).(*)..")
                    .namingSlices("$1/$2")
                    .should()
                    .notDependOnEachOther()
                    .allowEmptyShould(true);

    @ArchTest
    public static final ArchRule theDaemonKnowsNoPlugin =
            noClasses()
                    .that()
                    .resideOutsideOfPackages(Packages.PLUGINS)
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage(Packages.PLUGINS);

    @ArchTest
    public static final ArchRule bundlesHaveNoCycles =
            slices().matching("io.hako.(*)..").should().beFreeOfCycles();

    @ArchTest
    public static final ArchRule nothingBelowTheSandboxKnowsWhoCallsIt =
            noClasses()
                    .that()
                    .resideInAnyPackage(
                            "io.hako.driverhost..",
                            "io.hako.guest..",
                            "io.hako.host..",
                            "io.hako.ocispec..",
                            "io.hako.settings..",
                            "io.hako.state..",
                            "io.hako.ttrpc..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("io.hako.sandbox..", "io.hako.shim..", "io.hako.control..");

    @ArchTest
    public static final ArchRule driversAndGuestAreApart =
            noClasses()
                    .that()
                    .resideInAPackage("io.hako.guest..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAnyPackage("io.hako.driverhost..", "io.hako.api.hypervisor..")
                    .allowEmptyShould(true);

    /**
     * A call into C pins a virtual thread to its carrier: such calls are made on the host bundle's
     * own threads.
     */
    @ArchTest
    public static final ArchRule onlyTheHostBundleCallsC =
            noClasses()
                    .that()
                    .resideOutsideOfPackages("io.hako.host..")
                    .should()
                    .dependOnClassesThat()
                    .resideInAPackage("com.sun.jna..");
}
