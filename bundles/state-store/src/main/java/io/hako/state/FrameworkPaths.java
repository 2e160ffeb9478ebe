// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.osgi.framework.BundleContext;

/** What the launcher tells every bundle by framework properties, such as where things are. */
public final class FrameworkPaths {
    private FrameworkPaths() {}

    /**
     * A property that the launcher always sets.
     *
     * @throws DriverException INTERNAL if it is not set: this is not hako's launcher
     */
    public static String required(BundleContext context, String property) {
        String value = context.getProperty(property);
        if (value == null) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "The framework property %s is not set: start hakod by its launcher."
                            .formatted(property));
        }
        return value;
    }

    static Path made(Path directory) {
        try {
            return Files.createDirectories(
                    directory,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The directory %s could not be made.".formatted(directory),
                    e);
        }
    }
}
