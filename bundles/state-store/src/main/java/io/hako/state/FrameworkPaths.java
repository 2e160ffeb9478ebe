// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.osgi.framework.BundleContext;

/** Where the launcher says that things are. */
final class FrameworkPaths {
    private FrameworkPaths() {}

    static String required(BundleContext context, String property) {
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
