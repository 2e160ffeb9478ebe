// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.wiring.BundleRequirement;
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.framework.wiring.FrameworkWiring;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentConfigurationDTO;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import org.osgi.service.component.runtime.dto.UnsatisfiedReferenceDTO;

/** Says why a driver is not there. */
final class Diagnosis {
    private static final String CAUSED_BY = "Caused by: ";

    private final BundleContext context;
    private final ServiceComponentRuntime components;
    private final Map<Long, String> refused = new ConcurrentHashMap<>();

    Diagnosis(BundleContext context, ServiceComponentRuntime components) {
        this.context = context;
        this.components = components;
    }

    /** Remembers why a bundle's driver was not taken up although it is there. */
    void refuse(Bundle bundle, String sentence) {
        refused.put(bundle.getBundleId(), sentence);
    }

    void accept(Bundle bundle) {
        refused.remove(bundle.getBundleId());
    }

    /** The bundles that announce a driver; one with a broken announcement announces nothing. */
    List<Bundle> announcing(DriverId driver) {
        return Arrays.stream(context.getBundles())
                .filter(bundle -> announces(bundle, driver))
                .toList();
    }

    private boolean announces(Bundle bundle, DriverId driver) {
        try {
            return Announcement.of(bundle, driver).isPresent();
        } catch (DriverException e) {
            refuse(bundle, e.getMessage());
            return false;
        }
    }

    List<String> why(DriverId driver) {
        List<Bundle> bundles = announcing(driver);
        if (bundles.isEmpty()) {
            return List.of("No installed bundle announces driver %s.".formatted(driver));
        }
        return bundles.stream().flatMap(bundle -> why(bundle).stream()).toList();
    }

    /**
     * Why a bundle that announces a driver does not give it; empty if nothing is known against it.
     */
    List<String> faults(Bundle bundle) {
        Optional<String> refusal = Optional.ofNullable(refused.get(bundle.getBundleId()));
        if (refusal.isPresent()) {
            return List.of(refusal.get());
        }
        return switch (bundle.getState()) {
            case Bundle.INSTALLED -> unresolved(bundle);
            case Bundle.ACTIVE, Bundle.STARTING -> components(bundle);
            default -> List.of("Bundle %s is stopped: start it.".formatted(named(bundle)));
        };
    }

    private List<String> why(Bundle bundle) {
        List<String> faults = faults(bundle);
        return faults.isEmpty()
                ? List.of("Bundle %s is at work.".formatted(named(bundle)))
                : faults;
    }

    private List<String> unresolved(Bundle bundle) {
        BundleRevision revision = bundle.adapt(BundleRevision.class);
        FrameworkWiring wiring =
                context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION).adapt(FrameworkWiring.class);
        List<String> sentences =
                revision.getDeclaredRequirements(null).stream()
                        .filter(Diagnosis::isNeededToResolve)
                        .filter(requirement -> wiring.findProviders(requirement).isEmpty())
                        .map(
                                requirement ->
                                        "Bundle %s does not resolve: nothing provides %s."
                                                .formatted(named(bundle), described(requirement)))
                        .toList();
        return sentences.isEmpty()
                ? List.of(
                        "Bundle %s is installed and not resolved: start it."
                                .formatted(named(bundle)))
                : sentences;
    }

    private static boolean isNeededToResolve(BundleRequirement requirement) {
        Map<String, String> directives = requirement.getDirectives();
        return !"optional".equals(directives.get(Constants.RESOLUTION_DIRECTIVE))
                && !"dynamic".equals(directives.get(Constants.RESOLUTION_DIRECTIVE))
                && Constants.EFFECTIVE_RESOLVE.equals(
                        directives.getOrDefault(
                                Constants.EFFECTIVE_DIRECTIVE, Constants.EFFECTIVE_RESOLVE));
    }

    private static String described(BundleRequirement requirement) {
        String filter = requirement.getDirectives().getOrDefault(Constants.FILTER_DIRECTIVE, "any");
        return BundleRevision.PACKAGE_NAMESPACE.equals(requirement.getNamespace())
                ? "package " + PackageFilter.described(filter)
                : "%s %s".formatted(requirement.getNamespace(), filter);
    }

    private List<String> components(Bundle bundle) {
        List<String> sentences = new ArrayList<>();
        for (ComponentDescriptionDTO component : components.getComponentDescriptionDTOs(bundle)) {
            for (ComponentConfigurationDTO configuration :
                    components.getComponentConfigurationDTOs(component)) {
                sentences.addAll(faults(component, configuration));
            }
        }
        return sentences;
    }

    private static List<String> faults(
            ComponentDescriptionDTO component, ComponentConfigurationDTO configuration) {
        return switch (configuration.state) {
            case ComponentConfigurationDTO.UNSATISFIED_REFERENCE ->
                    Arrays.stream(configuration.unsatisfiedReferences)
                            .map(
                                    missing ->
                                            "Component %s waits for a service: %s."
                                                    .formatted(
                                                            component.name,
                                                            described(component, missing)))
                            .toList();
            case ComponentConfigurationDTO.UNSATISFIED_CONFIGURATION ->
                    List.of(
                            "Component %s waits for a configuration, which hako does not give."
                                    .formatted(component.name));
            case ComponentConfigurationDTO.FAILED_ACTIVATION ->
                    List.of(
                            "Component %s failed to start: %s."
                                    .formatted(component.name, rootCause(configuration.failure)));
            default -> List.of();
        };
    }

    private static String described(
            ComponentDescriptionDTO component, UnsatisfiedReferenceDTO missing) {
        return Arrays.stream(component.references)
                .filter(reference -> reference.name.equals(missing.name))
                .map(reference -> reference.interfaceName)
                .findFirst()
                .orElse(missing.name);
    }

    /** The last cause of a printed stack, as Throwable.printStackTrace writes it. */
    private static String rootCause(String stack) {
        return stack.lines()
                .filter(line -> line.startsWith(CAUSED_BY))
                .map(line -> line.substring(CAUSED_BY.length()))
                .reduce((outer, inner) -> inner)
                .or(() -> stack.lines().findFirst())
                .orElse("no reason was given");
    }

    static String named(Bundle bundle) {
        return "%s %s".formatted(bundle.getSymbolicName(), bundle.getVersion());
    }
}
