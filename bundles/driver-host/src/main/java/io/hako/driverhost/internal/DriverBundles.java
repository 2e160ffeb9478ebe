// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.OwnerId;
import io.hako.driverhost.DriverView;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

/** The bundles that announce drivers, as an operator sees them. */
final class DriverBundles {
    private final BundleContext context;
    private final Roster roster;
    private final LeaseTable leases;

    DriverBundles(BundleContext context, Roster roster, LeaseTable leases) {
        this.context = context;
        this.roster = roster;
        this.leases = leases;
    }

    List<DriverView> list() {
        return Arrays.stream(context.getBundles())
                .flatMap(bundle -> announced(bundle).map(driver -> view(bundle, driver)))
                .sorted(
                        Comparator.comparing((DriverView view) -> view.driver().toString())
                                .thenComparing(DriverView::bundleId))
                .toList();
    }

    private static Stream<DriverId> announced(Bundle bundle) {
        try {
            return Announcement.of(bundle).stream().map(Announcement::driver);
        } catch (DriverException e) {
            return Stream.empty(); // Diagnosis says what is wrong with it
        }
    }

    private DriverView view(Bundle bundle, DriverId driver) {
        List<HandleLease<?>> held = leases.heldBy(driver, bundle.getBundleId());
        boolean serving =
                roster.serving(driver)
                        .filter(by -> by.bundle().getBundleId() == bundle.getBundleId())
                        .isPresent();
        List<OwnerId> owners = held.stream().map(lease -> lease.site().owner()).distinct().toList();
        return new DriverView(
                driver,
                bundle.getSymbolicName(),
                bundle.getVersion().toString(),
                bundle.getBundleId(),
                state(bundle),
                serving,
                held.size(),
                owners);
    }

    private static String state(Bundle bundle) {
        return switch (bundle.getState()) {
            case Bundle.INSTALLED -> "INSTALLED";
            case Bundle.RESOLVED -> "RESOLVED";
            case Bundle.STARTING -> "STARTING";
            case Bundle.ACTIVE -> "ACTIVE";
            case Bundle.STOPPING -> "STOPPING";
            default -> "UNINSTALLED";
        };
    }
}
