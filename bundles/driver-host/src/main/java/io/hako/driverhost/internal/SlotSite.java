// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.DriverEvent;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.driverhost.SandboxSite;
import io.hako.host.shim.Shim;
import io.hako.observability.Event;
import io.hako.settings.DriverSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Optional;

/** Where the slots of a sandbox are: what is made for one, and undone. */
record SlotSite(SandboxSite site, Parts parts, ShimLink link) {
    DriverContext context(String slot, DriverId driver, String settings) {
        Optional<String> cgroup = Optional.of(site.cgroup()).filter(path -> !path.isEmpty());
        return new JournalledContext(
                made(workspace(slot)),
                link,
                parts.machine(),
                new Shim.Placement(cgroup, List.of()),
                site.journal().effects(slot),
                DriverSettings.parse(settings),
                parts.store(driver),
                report -> parts.events().tell(reported(driver, report)));
    }

    private Event reported(DriverId driver, DriverEvent report) {
        return Event.of(Event.Subject.DRIVER, report.name())
                .in(site.owner())
                .because(report.sentence())
                .with(report.details())
                .with("driver", driver);
    }

    Undo undoing(String slot) {
        return new Undo(link, parts.machine(), site.journal().effects(slot), workspace(slot));
    }

    /** Directly below the pod: a socket's path in it has to be short. */
    private Path workspace(String slot) {
        return site.directory().resolve(slot);
    }

    private static Path made(Path directory) {
        try {
            return Files.createDirectories(
                    directory,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The workspace %s could not be made.".formatted(directory),
                    e);
        }
    }
}
