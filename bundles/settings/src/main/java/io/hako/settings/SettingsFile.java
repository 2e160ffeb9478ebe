// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import io.hako.api.types.DriverException;
import java.nio.file.Path;
import java.util.Optional;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/**
 * The node's settings as a service. A file that is refused ends the daemon: it would run with
 * settings that nobody chose.
 */
@Component(service = SettingsFile.class, immediate = true)
public final class SettingsFile {
    /**
     * System property in which the launcher finds the sentence to end with, and then exits with
     * status 1.
     */
    public static final String FAILURE = "hako.failure";

    private final HakoSettings settings;

    @Activate
    public SettingsFile(BundleContext context) throws BundleException {
        Path file =
                Path.of(
                        Optional.ofNullable(context.getProperty("hako.config"))
                                .orElse("/etc/hako/hako.toml"));
        try {
            settings = HakoSettings.read(file);
        } catch (DriverException e) {
            System.setProperty(FAILURE, e.getMessage());
            context.getBundle(0).stop();
            throw e;
        }
    }

    public HakoSettings settings() {
        return settings;
    }
}
