// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import io.hako.api.driver.Finding;
import io.hako.api.driver.Settings;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.driverhost.DriverAdmin;
import io.hako.driverhost.DriverView;
import io.hako.driverhost.SwapReport;
import io.hako.settings.HakoSettings;
import io.hako.ttrpc.CallScope;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class DoctorTest {
    private static final DriverId GOOD = DriverId.parse("hypervisor/good");
    private static final DriverId BROKEN = DriverId.parse("storage/broken");
    private static final DriverId ABSENT = DriverId.parse("network/absent");
    private static final Finding FOUND = Finding.ok("program", "It is there.");

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    /** Three drivers: one well, one whose probe fails, one that does not serve. */
    private record Drivers(List<DriverView> list) implements DriverAdmin {
        @Override
        public List<String> why(DriverId driver) {
            return List.of("Its bundle does not resolve.", "It wants io.hako.api.driver [9,10).");
        }

        @Override
        public List<Finding> probe(DriverId driver, Settings settings, Call call) {
            if (driver.equals(BROKEN)) {
                throw new DriverException(FailureKind.INTERNAL, "Its probe failed.");
            }
            return List.of(FOUND);
        }

        @Override
        public SwapReport swap(DriverId driver, Path jar, Settings settings, Call call) {
            throw DriverException.unsupported("Nothing is swapped here.");
        }
    }

    @Test
    public void eachDriverSaysWhatItFindsOrWhyItIsNotThere() throws IOException {
        List<Finding> findings =
                findings("", view(GOOD, true), view(BROKEN, true), view(ABSENT, false));
        assertTrue(findings.toString(), findings.contains(FOUND));
        assertTrue(
                findings.toString(),
                findings.contains(
                        Finding.missing(
                                "storage/broken",
                                "Its probe failed.",
                                "Ask for the reason: hako plugin why storage/broken.")));
        assertTrue(
                findings.toString(),
                findings.contains(
                        Finding.missing(
                                "network/absent",
                                "Its bundle does not resolve. It wants io.hako.api.driver [9,10).",
                                "Ask for the reason: hako plugin why network/absent.")));
    }

    @Test
    public void aBundleThatStandsByIsNoLoss() throws IOException {
        List<Finding> findings = findings("", view(GOOD, true), view(GOOD, false));
        assertFalse(
                findings.toString(),
                findings.stream().anyMatch(f -> f.subject().equals("hypervisor/good")));
    }

    @Test
    public void aTableForADriverThatIsNotInstalledIsAWarning() throws IOException {
        assertEquals(
                List.of(
                        Finding.warning(
                                "settings",
                                "The table [hypervisor.gone] is for a driver that is not installed.",
                                "Install the driver's plugin, or remove the table.")),
                findings("[hypervisor.gone]\na = 1\n", view(GOOD, true)).stream()
                        .filter(f -> f.subject().equals("settings"))
                        .toList());
    }

    private List<Finding> findings(String settings, DriverView... views) throws IOException {
        Path root = folder.getRoot().toPath();
        Path file = Files.writeString(root.resolve("hako.toml"), settings);
        HostFindings host = new HostFindings(root, root, root);
        return new Doctor(host, new Drivers(List.of(views)), HakoSettings.read(file))
                .findings(CallScope.unlimited());
    }

    private static DriverView view(DriverId driver, boolean serving) {
        return new DriverView(driver, "bundle", "0.1.0", 1, "ACTIVE", serving, 0, List.of());
    }
}
