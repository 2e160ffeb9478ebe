// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;

/** Profiles of one settings file, and what they and annotations say of drivers. */
public class ProfileTest {
    private static final DriverId EXAMPLE = DriverId.parse("hypervisor/example");
    private static final String FILE = "/etc/hako.toml";

    /** As a plugin has it. */
    record Example(String machine, int queues, boolean trace, double ratio, List<String> ports) {
        Example() {
            this("q", 1, false, 1.0, List.of());
        }
    }

    private static final String BASE =
            """
            [guest]
            memory = "100M"
            cpus = 2
            [hypervisor.example]
            machine = "base"
            queues = 3
            [annotations]
            allowed = ["guest.memory"]
            """;

    private static final HakoSettings NODE =
            HakoSettings.parse(
                    FILE,
                    BASE
                            + """
                    [profiles.large.guest]
                    memory = "1G"
                    [profiles.large.hypervisor.example]
                    queues = 8
                    [profiles.large.annotations]
                    allowed = ["hypervisor.example.trace", "hypervisor.example.ratio", "hypervisor.example.ports"]
                    [profiles.other.drivers]
                    storage = ["9p"]
                    [profiles.other.network.tcfilter]
                    """);

    @Test
    public void aProfileOverridesTheFileKeyByKey() {
        PodSettings pod = pod("large", Map.of());
        assertEquals(MemorySize.ofGibibytes(1), pod.guest().memory());
        assertEquals(new CpuCount(2), pod.guest().cpus());
        DriverSettings driver = pod.driver(EXAMPLE, Optional.of(Example.class));
        assertEquals(new Example("base", 8, false, 1.0, List.of()), driver.as(Example.class));
        assertEquals(
                List.of(
                        new Origin("hypervisor.example.machine", "base", FILE),
                        new Origin("hypervisor.example.ports", "[]", "default"),
                        new Origin("hypervisor.example.queues", "8", "profile large"),
                        new Origin("hypervisor.example.ratio", "1.0", "default"),
                        new Origin("hypervisor.example.trace", "false", "default")),
                pod.origins(EXAMPLE, driver));
        assertEquals(new Origin("profile", "large", "the test"), pod.origins().getFirst());
        assertTrue(
                pod.origins().contains(new Origin("guest.memory", "1073741824", "profile large")));
        assertTrue(pod.origins().contains(new Origin("guest.cpus", "2", FILE)));
    }

    @Test
    public void withoutAProfileTheFileHolds() {
        PodSettings pod = NODE.forPod(Optional.empty(), Map.of());
        assertEquals(MemorySize.ofMebibytes(100), pod.guest().memory());
        assertEquals(3, pod.driver(EXAMPLE, Optional.of(Example.class)).as(Example.class).queues());
        assertEquals(pod.origins(), pod(FILE, Map.of()).origins());
        assertEquals(Set.of(EXAMPLE, DriverId.parse("network/tcfilter")), NODE.configuredDrivers());
    }

    @Test
    public void annotationsOverrideWhatTheProfileAllows() {
        PodSettings pod =
                pod(
                        "large",
                        Map.of(
                                "io.hako.config.hypervisor.example.trace", "true",
                                "io.hako.config.hypervisor.example.ratio", "2.5",
                                "io.hako.config.hypervisor.example.ports", "1, 22"));
        DriverSettings driver = pod.driver(EXAMPLE, Optional.of(Example.class));
        assertEquals(
                new Example("base", 8, true, 2.5, List.of("1", "22")), driver.as(Example.class));
        assertTrue(
                pod.origins(EXAMPLE, driver)
                        .contains(
                                new Origin(
                                        "hypervisor.example.trace",
                                        "true",
                                        "annotation io.hako.config.hypervisor.example.trace")));
        assertEquals(
                "The annotation io.hako.config.guest.memory is not allowed here: the operator's setting annotations.allowed in /etc/hako.toml"
                        + " would have to list \"guest.memory\", and lists hypervisor.example.trace, hypervisor.example.ratio,"
                        + " hypervisor.example.ports.",
                sentence(() -> pod("large", Map.of("io.hako.config.guest.memory", "1G"))));
    }

    @Test
    public void anAnnotationThatDoesNotFitItsDriverIsRefused() {
        PodSettings pod =
                pod("large", Map.of("io.hako.config.hypervisor.example.trace", "perhaps"));
        assertEquals(
                "The annotation io.hako.config.hypervisor.example.trace is true or false, but \"perhaps\" was given.",
                sentence(() -> pod.driver(EXAMPLE, Optional.of(Example.class))));
        assertEquals(
                "The setting hypervisor.example.machine is not known: there are no keys here",
                sentence(() -> pod.driver(EXAMPLE, Optional.empty())));
    }

    @Test
    public void anUnknownProfileIsRefusedWithTheNearest() {
        assertEquals(
                "The profile \"lagre\", which the test names, is not in the settings file /etc/hako.toml: did you mean \"large\"?",
                sentence(() -> pod("lagre", Map.of())));
        assertEquals(
                "The profile \"large\", which the test names, is not in the settings file f: it has none; a table such as"
                        + " [profiles.large.guest] would make it.",
                sentence(
                        () ->
                                HakoSettings.parse("f", BASE)
                                        .forPod(
                                                Optional.of(new ProfileChoice("large", "the test")),
                                                Map.of())));
    }

    @Test
    public void whatAProfileCannotSayIsRefused() {
        refused(
                "[profiles.a.guest]\nmemry = '1G'",
                "The setting profiles.a.guest.memry is not known: did you mean \"memory\"?");
        refused(
                "[profiles.a.gest]\n",
                "The table [profiles.a.gest] is not known: did you mean \"guest\"?");
        refused(
                "[profiles.a.veth]\nrange = '10.0.0.0/16'",
                "The table [profiles.a.veth] is not known: did you mean \"guest\"?");
        refused(
                "[profiles]\nlarge = 3",
                "profiles.large is a table: write [profiles.large] on a line of its own and its keys below.");
        refused(
                "[profiles.'a b'.guest]\n",
                "The name of a profile has letters, digits, '_', '.' and '-' only and begins with a letter or digit, but is \"a b\".");
        refused(
                "[profiles.a.annotations]\nallowed = ['guest.cpu']",
                "The setting annotations.allowed names \"guest.cpu\", which no pod can have of its own: did you mean \"guest.cpus\"?");
    }

    @Test
    public void whatIsSaidOfADriverIsCheckedOnceTheDriverIsThere() {
        checked(
                "[profiles.a.hypervisor.example]\nqeues = 1",
                "The setting profiles.a.hypervisor.example.qeues is not known: did you mean \"queues\"?");
        checked(
                "[annotations]\nallowed = ['hypervisor.example.qeues']",
                "The setting annotations.allowed names \"hypervisor.example.qeues\", which no pod can have of its own: did you mean"
                        + " \"hypervisor.example.queues\"?");
    }

    private static PodSettings pod(String profile, Map<String, String> annotations) {
        return NODE.forPod(Optional.of(new ProfileChoice(profile, "the test")), annotations);
    }

    private static void refused(String text, String sentence) {
        assertEquals(
                "In the settings file f: " + sentence,
                sentence(() -> HakoSettings.parse("f", text)));
    }

    private static void checked(String text, String sentence) {
        HakoSettings settings = HakoSettings.parse("f", text);
        assertEquals(
                "In the settings file f: " + sentence,
                sentence(() -> settings.check(EXAMPLE, Optional.of(Example.class))));
    }

    private static String sentence(ThrowingRunnable what) {
        DriverException refusal = assertThrows(DriverException.class, what);
        assertEquals(FailureKind.INVALID_REQUEST, refusal.failure());
        return refusal.getMessage();
    }
}
