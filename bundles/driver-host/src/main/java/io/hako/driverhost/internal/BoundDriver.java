// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.Driver;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Function;
import org.osgi.framework.Bundle;
import org.osgi.framework.ServiceReference;

/**
 * A driver's service, as long as it is there. All that refers to it lets go of it when it is
 * unbound.
 */
final class BoundDriver {
    private final Announcement announcement;
    private final ServiceReference<?> reference;
    private final Bundle bundle;
    private final Driver<?> service;
    private final Gate gate = new Gate();
    private final FutureTask<Bundle> preloading;

    BoundDriver(Announcement announcement, ServiceReference<?> reference, Driver<?> service) {
        this.announcement = announcement;
        this.reference = reference;
        this.bundle = reference.getBundle();
        this.service = service;
        this.preloading = new FutureTask<>(() -> ClassPreloader.load(bundle), bundle);
    }

    /** Loads the bundle's classes, beside whatever else happens; the first call waits for it. */
    void preload() {
        // Loading a class pins a virtual thread to its carrier while it waits for the framework.
        Thread.ofPlatform().daemon().name("preload " + id()).start(preloading);
    }

    Announcement announcement() {
        return announcement;
    }

    DriverId id() {
        return announcement.driver();
    }

    ServiceReference<?> reference() {
        return reference;
    }

    Bundle bundle() {
        return bundle;
    }

    Gate gate() {
        return gate;
    }

    /** Only between {@code gate().enter()} and {@code leave()}. */
    <D, T> T call(Class<D> type, Function<? super D, T> work) {
        awaitClasses();
        return Failures.guard(id(), () -> work.apply(type.cast(service)));
    }

    private void awaitClasses() {
        try {
            preloading.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DriverException(
                    FailureKind.CANCELLED,
                    "The wait for driver %s was interrupted.".formatted(id()),
                    e);
        } catch (ExecutionException e) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "The classes of driver %s could not be loaded: %s."
                            .formatted(id(), e.getCause()));
        }
    }
}
