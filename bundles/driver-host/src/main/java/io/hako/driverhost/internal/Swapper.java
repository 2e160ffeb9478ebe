// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.Driver;
import io.hako.api.driver.Finding;
import io.hako.api.driver.Settings;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.driverhost.SwapReport;
import io.hako.state.PluginStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts a driver's new bundle in the place of the old one, side by side. One swap at a time. A
 * bundle with several drivers is swapped as a whole.
 */
final class Swapper {
    private static final Logger LOG = LoggerFactory.getLogger(Swapper.class);

    /** A driver's activation returns within a second; a loaded machine gets the rest. */
    private static final Duration APPEARS_WITHIN = Duration.ofSeconds(10);

    private final BundleContext context;
    private final PluginStore store;
    private final PluginBundles bundles;
    private final Roster roster;
    private final LeaseTable leases;
    private final Diagnosis diagnosis;
    private final Turn turn = new Turn("swap of drivers");

    Swapper(
            BundleContext context,
            PluginStore store,
            Roster roster,
            LeaseTable leases,
            Diagnosis diagnosis) {
        this.context = context;
        this.store = store;
        this.bundles = new PluginBundles(context);
        this.roster = roster;
        this.leases = leases;
        this.diagnosis = diagnosis;
    }

    SwapReport swap(DriverId driver, Path jar, Settings settings, Call call) {
        turn.begin(call);
        try {
            long begun = System.nanoTime();
            List<Long> olds =
                    diagnosis.announcing(driver).stream().map(Bundle::getBundleId).toList();
            String from = olds.stream().map(this::version).collect(Collectors.joining(", "));
            String sha256 = store.add(jar);
            Bundle fresh = admitted(driver, sha256, settings, call);
            Moves moves = new Moves();
            flip(olds, fresh);
            Announcement.of(fresh)
                    .forEach(a -> move(a.driver(), fresh.getBundleId(), olds, moves, call));
            boolean collected = retire(olds, fresh);
            return reported(
                    new SwapReport(
                            driver,
                            from,
                            fresh.getVersion().toString(),
                            moves.moved(),
                            moves.pinned(),
                            moves.failed(),
                            moves.reasons(),
                            collected,
                            Duration.ofNanos(System.nanoTime() - begun)));
        } finally {
            turn.end();
        }
    }

    private static SwapReport reported(SwapReport report) {
        LOG.info(
                "Driver {} swapped: from {} to {}, moved {}, pinned {}, failed {}, collected {}, {} ms {}",
                report.driver(),
                report.from(),
                report.to(),
                report.moved(),
                report.pinned(),
                report.failed(),
                report.collected(),
                report.took().toMillis(),
                report.reasons());
        return report;
    }

    private String version(long bundle) {
        return context.getBundle(bundle).getVersion().toString();
    }

    /**
     * The new bundle, started, probed, recorded and on standby; uninstalled again if any of it
     * fails.
     */
    private Bundle admitted(DriverId driver, String sha256, Settings settings, Call call) {
        try {
            Bundle fresh = bundles.install(driver, sha256, store.jar(sha256));
            try {
                admit(driver, fresh, settings, call);
                keep(driver, sha256);
                return fresh;
            } catch (DriverException e) {
                long id = fresh.getBundleId();
                bundles.remove(id);
                roster.standby(id, false);
                throw e;
            }
        } finally {
            store.takeBack(sha256); // if it was refused, or is the assembly's own
        }
    }

    private void admit(DriverId driver, Bundle fresh, Settings settings, Call call) {
        if (Announcement.of(fresh, driver).isEmpty()) {
            throw DriverException.invalid(
                    "Bundle %s announces no driver %s: give a jar that does."
                            .formatted(Diagnosis.named(fresh), driver));
        }
        if (!bundles.resolve(fresh)) {
            throw refused(fresh);
        }
        roster.standby(fresh.getBundleId(), true);
        bundles.start(fresh);
        for (Announcement announced : Announcement.of(fresh)) {
            awaitBound(announced.driver(), fresh, call);
        }
        probe(
                roster.of(driver, fresh.getBundleId()).orElseThrow(() -> refused(fresh)),
                settings,
                call);
    }

    private void awaitBound(DriverId driver, Bundle fresh, Call call) {
        boolean hopeless =
                roster.of(driver, fresh.getBundleId()).isEmpty()
                        && !diagnosis.faults(fresh).isEmpty();
        try (CallPart part = CallPart.of(call, APPEARS_WITHIN)) {
            if (hopeless || roster.await(driver, fresh.getBundleId(), part.call()).isEmpty()) {
                throw refused(fresh);
            }
        }
    }

    private DriverException refused(Bundle fresh) {
        List<String> faults = diagnosis.faults(fresh);
        String reason =
                faults.isEmpty() ? "it registers no service in time." : String.join(" ", faults);
        return new DriverException(
                FailureKind.FAILED_PRECONDITION,
                "Bundle %s was not taken: %s".formatted(Diagnosis.named(fresh), reason));
    }

    private static void probe(BoundDriver fresh, Settings settings, Call call) {
        if (!fresh.gate().enter()) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "Driver %s was stopped meanwhile.".formatted(fresh.id()));
        }
        try {
            fresh.call(Driver.class, d -> d.profile(settings));
            List<Finding> findings =
                    fresh.call(
                            Driver.class,
                            d -> List.<Finding>copyOf(((Driver<?>) d).probe(settings, call)));
            findings.stream()
                    .filter(f -> f.level() == Finding.Level.MISSING)
                    .findFirst()
                    .ifPresent(
                            missing -> {
                                throw new DriverException(
                                        FailureKind.FAILED_PRECONDITION,
                                        "Bundle %s was not taken: its probe failed. %s %s"
                                                .formatted(
                                                        Diagnosis.named(fresh.bundle()),
                                                        missing.sentence(),
                                                        missing.remedy()));
                            });
        } finally {
            fresh.gate().leave();
        }
    }

    /** New handles go to the new bundle from here on. */
    private void flip(List<Long> olds, Bundle fresh) {
        roster.standby(fresh.getBundleId(), false);
        olds.forEach(old -> roster.standby(old, true));
    }

    private void move(DriverId driver, long fresh, List<Long> olds, Moves moves, Call call) {
        for (HandleLease<?> lease : leases.of(driver)) {
            Optional<BoundDriver> to = roster.of(driver, fresh);
            Optional<String> refusal =
                    to.isEmpty()
                            ? Optional.of("The new bundle was stopped meanwhile.")
                            : lease.move(to.get(), call).map(DriverException::getMessage);
            if (refusal.isEmpty()) {
                moves.addMoved();
            } else if (lease.holder().isPresent() || takenBack(lease, olds, call)) {
                moves.addPinned(lease, refusal.get());
            } else {
                moves.addFailed(lease, refusal.get());
            }
        }
    }

    private boolean takenBack(HandleLease<?> lease, List<Long> olds, Call call) {
        return olds.stream()
                .flatMap(old -> roster.of(lease.driver(), old).stream())
                .anyMatch(old -> lease.move(old, call).isEmpty());
    }

    /**
     * Removes old bundles that have no handle any more and no driver that the new one lacks;
     * whether all loaders are gone.
     */
    private boolean retire(List<Long> olds, Bundle fresh) {
        Set<DriverId> covered =
                Announcement.of(fresh).stream()
                        .map(Announcement::driver)
                        .collect(Collectors.toSet());
        boolean collected = true;
        for (long old : olds) {
            boolean gone = isFree(old, covered) && bundles.remove(old);
            if (gone) {
                roster.standby(old, false);
            }
            collected &= gone;
        }
        return collected;
    }

    private boolean isFree(long old, Set<DriverId> covered) {
        return Announcement.of(context.getBundle(old)).stream()
                .map(Announcement::driver)
                .allMatch(
                        driver -> covered.contains(driver) && leases.heldBy(driver, old).isEmpty());
    }

    /**
     * From the next start of the daemon on, this jar serves; unless it is what the assembly has
     * itself.
     */
    private void keep(DriverId driver, String sha256) {
        Optional<Path> own =
                Optional.ofNullable(context.getProperty("hako.home"))
                        .map(home -> Path.of(home).resolve("plugins").resolve(driver + ".jar"));
        store.assign(
                driver,
                own.filter(path -> sameContent(path, store.jar(sha256))).isPresent()
                        ? Optional.empty()
                        : Optional.of(sha256));
    }

    private static boolean sameContent(Path one, Path other) {
        try {
            return Files.exists(one) && Files.mismatch(one, other) == -1;
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "%s could not be compared with %s.".formatted(one, other),
                    e);
        }
    }
}
