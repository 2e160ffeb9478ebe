// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.DriverException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.FrameworkUtil;

/**
 * Reads the settings file. One that is refused ends the daemon: it would run with settings that
 * nobody chose. An activator, since a component could refuse by an exception only, of which the
 * component runtime logs the trace.
 */
public final class SettingsActivator implements BundleActivator {
    /**
     * System property in which the launcher finds the sentence to end with, and then exits with
     * status 1.
     */
    static final String FAILURE = "hako.failure";

    @Override
    public void start(BundleContext context) throws BundleException {
        Path file =
                Path.of(
                        Optional.ofNullable(context.getProperty("hako.config"))
                                .orElse("/etc/hako/hako.toml"));
        try {
            SettingsFile settings = new SettingsFile(HakoSettings.read(file));
            context.registerService(
                    SettingsFile.class, settings, FrameworkUtil.asDictionary(Map.of()));
        } catch (DriverException e) {
            System.setProperty(FAILURE, e.getMessage());
            context.getBundle(0).stop();
        }
    }

    /** The framework withdraws the service. */
    @Override
    public void stop(BundleContext context) {}
}
