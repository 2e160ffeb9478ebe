// SPDX-License-Identifier: Apache-2.0
package io.hako.launcher;

import java.io.IOException;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import org.apache.felix.framework.FrameworkFactory;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.SynchronousBundleListener;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.framework.startlevel.FrameworkStartLevel;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Felix with hakod's bundles in it. Used by one thread. */
final class Daemon {
    private static final Logger LOG = LoggerFactory.getLogger(Daemon.class);

    /** System property; its value is the sentence with which hakod ends. */
    private static final String FAILURE = "hako.failure";

    private final Framework framework;

    private Daemon(Framework framework) {
        this.framework = framework;
    }

    /**
     * Starts the framework and every bundle, level by level; returns when the last level is
     * reached.
     */
    static Daemon start(Map<String, String> properties, List<BundleFile> bundles)
            throws StartFailure {
        try {
            var configuration = new HashMap<>(defaults());
            configuration.putAll(properties);
            var daemon = new Daemon(new FrameworkFactory().newFramework(configuration));
            daemon.framework.init();
            for (var bundle : bundles) {
                daemon.install(bundle);
            }
            daemon.framework.start();
            daemon.riseTo(bundles.stream().mapToInt(BundleFile::startLevel).max().orElse(1));
            failIfABundleSaysSo();
            daemon.check(bundles);
            return daemon;
        } catch (BundleException | IOException | InterruptedException failure) {
            throw new StartFailure(
                    "hakod could not start its framework: " + failure.getMessage(), failure);
        }
    }

    long bundleCount() {
        return framework.getBundleContext().getBundles().length;
    }

    /** Waits for somebody to stop the framework, as {@code felix:stop 0} does. */
    void awaitStop() throws InterruptedException, StartFailure {
        framework.waitForStop(0);
        failIfABundleSaysSo();
    }

    /** A bundle that finds the node unfit says why in {@link #FAILURE} and stops the framework. */
    private static void failIfABundleSaysSo() throws StartFailure {
        var sentence = System.getProperty(FAILURE);
        if (sentence != null) {
            throw new StartFailure(sentence);
        }
    }

    private void install(BundleFile file) throws StartFailure, IOException {
        try (var content = Files.newInputStream(file.jar())) {
            var bundle = framework.getBundleContext().installBundle(file.location(), content);
            bundle.adapt(BundleStartLevel.class).setStartLevel(file.startLevel());
            // Below its start level this only marks the bundle: it starts when the framework rises.
            bundle.start(Bundle.START_ACTIVATION_POLICY);
        } catch (BundleException why) {
            failed(file, why);
        }
    }

    private void riseTo(int level) throws InterruptedException {
        var reachedOrStopped = new CountDownLatch(1);
        SynchronousBundleListener stopping =
                event -> {
                    if (event.getBundle() == framework && event.getType() == BundleEvent.STOPPING) {
                        reachedOrStopped.countDown();
                    }
                };
        framework.getBundleContext().addBundleListener(stopping);
        framework
                .adapt(FrameworkStartLevel.class)
                .setStartLevel(level, event -> reachedOrStopped.countDown());
        reachedOrStopped.await();
    }

    /** A bundle that is not running says why only when it is started by itself. */
    private void check(List<BundleFile> bundles) throws StartFailure {
        for (var file : bundles) {
            var bundle = framework.getBundleContext().getBundle(file.location());
            if (bundle == null || isRunning(bundle)) {
                continue;
            }
            try {
                bundle.start();
            } catch (BundleException why) {
                failed(file, why);
            }
        }
    }

    /** Without a plugin the rest serves; without a bundle of its own hakod is not hakod. */
    private static void failed(BundleFile file, BundleException why) throws StartFailure {
        var sentence = "The bundle %s does not start: %s".formatted(file.jar(), why.getMessage());
        if (file.required()) {
            throw new StartFailure(sentence, why);
        }
        LOG.error(sentence, why);
    }

    private static boolean isRunning(Bundle bundle) {
        var isFragment = bundle.getHeaders("").get(Constants.FRAGMENT_HOST) != null;
        return isFragment || (bundle.getState() & (Bundle.ACTIVE | Bundle.STARTING)) != 0;
    }

    private static Map<String, String> defaults() throws IOException {
        var properties = new Properties();
        try (var stream = Daemon.class.getResourceAsStream("/framework.properties")) {
            properties.load(stream);
        }
        var map = new HashMap<String, String>();
        properties
                .stringPropertyNames()
                .forEach(name -> map.put(name, properties.getProperty(name)));
        return map;
    }
}
