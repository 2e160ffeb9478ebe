// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.api.driver.Finding;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.driverhost.DriverAdmin;
import io.hako.driverhost.DriverView;
import io.hako.settings.HakoSettings;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Looks whether everything is there that pods need: on the host, in the settings, of each driver.
 * Changes nothing.
 *
 * @param host what does not depend on drivers
 */
record Doctor(HostFindings host, DriverAdmin drivers, HakoSettings settings) {
    private static final String ASK = "Ask for the reason: hako plugin why %s.";

    List<Finding> findings(Call call) {
        List<Finding> all = new ArrayList<>(host.findings(settings.guest()));
        List<DriverView> views = drivers.list();
        all.addAll(settings(views));
        for (DriverView view : views) {
            all.addAll(view.serving() ? probe(view, call) : absent(view, views));
        }
        return all;
    }

    private List<Finding> settings(List<DriverView> views) {
        Set<DriverId> known = views.stream().map(DriverView::driver).collect(Collectors.toSet());
        List<Finding> unknown =
                settings.configuredDrivers().stream()
                        .filter(driver -> !known.contains(driver))
                        .map(
                                driver ->
                                        Finding.warning(
                                                "settings",
                                                "The table [%s.%s] is for a driver that is not installed."
                                                        .formatted(
                                                                driver.kind().word(),
                                                                driver.name()),
                                                "Install the driver's plugin, or remove the table."))
                        .toList();
        return unknown.isEmpty()
                ? List.of(Finding.ok("settings", "They are read, and every table is known."))
                : unknown;
    }

    private List<Finding> probe(DriverView view, Call call) {
        try {
            return drivers.probe(view.driver(), settings.driver(view.driver()), call);
        } catch (DriverException e) {
            return List.of(missing(view.driver(), e.getMessage()));
        }
    }

    /** One that stands by beside a serving one of the same driver is no loss. */
    private List<Finding> absent(DriverView view, List<DriverView> views) {
        boolean served =
                views.stream()
                        .anyMatch(other -> other.serving() && other.driver().equals(view.driver()));
        return served
                ? List.of()
                : List.of(missing(view.driver(), String.join(" ", drivers.why(view.driver()))));
    }

    private static Finding missing(DriverId driver, String sentence) {
        String bounded = sentence.length() <= 1000 ? sentence : sentence.substring(0, 1000);
        return Finding.missing(driver.toString(), bounded, ASK.formatted(driver));
    }
}
