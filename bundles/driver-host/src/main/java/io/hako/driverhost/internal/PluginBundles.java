// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.io.InputStream;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkListener;
import org.osgi.framework.wiring.BundleWiring;
import org.osgi.framework.wiring.FrameworkWiring;

/** Brings plugin bundles into the framework and takes them out, for good. */
final class PluginBundles {
    private static final Duration REFRESHED_WITHIN = Duration.ofSeconds(10);
    private static final int COLLECTIONS = 30;
    private static final Duration BETWEEN_COLLECTIONS = Duration.ofMillis(100);

    private final BundleContext context;

    PluginBundles(BundleContext context) {
        this.context = context;
    }

    /**
     * Installs a jar of the plugin store under a location of its own, also if the same content is
     * installed already.
     */
    Bundle install(DriverId driver, String sha256, Path jar) {
        String first = "hako:plugin/%s@%s".formatted(driver, sha256.substring(0, 12));
        String location = first;
        for (int i = 2; context.getBundle(location) != null; i++) {
            location = first + "-" + i;
        }
        try (InputStream content = Files.newInputStream(jar)) {
            return context.installBundle(location, content);
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The plugin jar %s could not be read.".formatted(jar),
                    e);
        } catch (BundleException e) {
            throw new DriverException(
                    FailureKind.INVALID_REQUEST,
                    "The plugin jar for driver %s is no bundle: %s."
                            .formatted(driver, e.getMessage()),
                    e);
        }
    }

    boolean resolve(Bundle bundle) {
        return wiring().resolveBundles(Set.of(bundle));
    }

    void start(Bundle bundle) {
        try {
            bundle.start();
        } catch (BundleException e) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "Bundle %s did not start: %s."
                            .formatted(Diagnosis.named(bundle), e.getMessage()),
                    e);
        }
    }

    /** Whether the bundle's class loader is proven to be gone. */
    boolean remove(long id) {
        ReferenceQueue<ClassLoader> queue = new ReferenceQueue<>();
        WeakReference<ClassLoader> loader = removed(id, queue);
        for (int i = 0; i < COLLECTIONS && loader.get() != null; i++) {
            System.gc();
            await(queue);
        }
        return loader.refersTo(null);
    }

    /** In a method of its own, so that no frame keeps the bundle while its loader is waited for. */
    private WeakReference<ClassLoader> removed(long id, ReferenceQueue<ClassLoader> queue) {
        Bundle bundle = context.getBundle(id);
        BundleWiring wiring = bundle.adapt(BundleWiring.class);
        WeakReference<ClassLoader> loader =
                new WeakReference<>(wiring == null ? null : wiring.getClassLoader(), queue);
        try {
            bundle.uninstall();
        } catch (BundleException e) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "Bundle %s could not be uninstalled: %s."
                            .formatted(Diagnosis.named(bundle), e.getMessage()),
                    e);
        }
        refresh(bundle);
        return loader;
    }

    private void refresh(Bundle bundle) {
        CountDownLatch done = new CountDownLatch(1);
        FrameworkListener listener = event -> done.countDown();
        wiring().refreshBundles(Set.of(bundle), listener);
        try {
            done.await(REFRESHED_WITHIN.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void await(ReferenceQueue<ClassLoader> queue) {
        try {
            queue.remove(BETWEEN_COLLECTIONS.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private FrameworkWiring wiring() {
        return context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION).adapt(FrameworkWiring.class);
    }
}
