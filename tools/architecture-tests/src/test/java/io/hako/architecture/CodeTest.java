// SPDX-License-Identifier: Apache-2.0
package io.hako.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.conditions.ArchConditions.be;
import static com.tngtech.archunit.lang.conditions.ArchConditions.not;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.methods;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.junit.ArchUnitRunner;
import com.tngtech.archunit.lang.ArchRule;
import org.junit.runner.RunWith;

/** Rules for the code inside a bundle. */
@RunWith(ArchUnitRunner.class)
@AnalyzeClasses(packages = Packages.ALL, importOptions = Packages.WithoutGenerated.class)
public class CodeTest {
    private static final DescribedPredicate<JavaMethod> A_DEFAULT_METHOD =
            describe(
                    "a default method",
                    method ->
                            method.getOwner().isInterface()
                                    && !method.getModifiers().contains(JavaModifier.ABSTRACT)
                                    && !method.getModifiers().contains(JavaModifier.STATIC)
                                    && !method.getModifiers().contains(JavaModifier.PRIVATE)
                                    && !method.getModifiers().contains(JavaModifier.SYNTHETIC));

    /**
     * An optional power is an interface of its own: a default body would answer for a driver that
     * never heard of it.
     */
    @ArchTest
    public static final ArchRule whatPluginsImplementHasNoDefaultMethods =
            methods()
                    .that()
                    .areDeclaredInClassesThat()
                    .resideInAPackage(Packages.API)
                    .and()
                    .areDeclaredInClassesThat()
                    .areInterfaces()
                    .and()
                    .areDeclaredInClassesThat()
                    .areNotAnnotatedWith("org.osgi.annotation.versioning.ProviderType")
                    .should(not(be(A_DEFAULT_METHOD)));

    /**
     * A handle is its driver's object: kept anywhere else, it would keep the class loader of a
     * swapped driver.
     */
    @ArchTest
    public static final ArchRule onlyTheLeaseTableKeepsHandles =
            noFields()
                    .that()
                    .areDeclaredInClassesThat()
                    .resideOutsideOfPackages("io.hako.driverhost..", "io.hako.api..")
                    .and()
                    .areDeclaredInClassesThat()
                    .resideOutsideOfPackages(Packages.PLUGINS)
                    .should()
                    .haveRawType(JavaClass.Predicates.assignableTo("io.hako.api.driver.Handle"));

    @ArchTest
    public static final ArchRule noStaticMutableState =
            fields().that().areStatic().should().beFinal();

    @ArchTest
    public static final ArchRule noBareRuntimeException =
            noClasses()
                    .should()
                    .callConstructorWhere(
                            describe(
                                    "it makes a bare RuntimeException",
                                    call ->
                                            call.getTargetOwner()
                                                            .isEquivalentTo(RuntimeException.class)
                                                    && !call.getOriginOwner()
                                                            .isAssignableTo(
                                                                    RuntimeException.class)));

    @ArchTest
    public static final ArchRule nothingIsPrinted =
            noClasses().should().accessField(System.class, "out");

    @ArchTest
    public static final ArchRule everyPackageSaysThatItKnowsNoNull =
            classes()
                    .that()
                    .haveSimpleName("package-info")
                    .should()
                    .beAnnotatedWith("org.jspecify.annotations.NullMarked");
}
