// SPDX-License-Identifier: Apache-2.0
package io.hako.settings;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.MemorySize;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** What a pod's annotations decide, and what the operator lets them. */
public class PodSettingsTest {
    private static final HakoSettings NODE =
            HakoSettings.parse(
                    "/etc/hako.toml",
                    """
                    [guest]
                    memory = "100M"
                    kernel_parameters = "x"
                    [annotations]
                    allowed = ["guest.memory", "guest.cpus", "drivers.storage"]
                    """);

    @Test
    public void withoutAnnotationsThePodHasTheNodesSettings() {
        PodSettings pod = NODE.forPod(Map.of("io.hako.name", "shop", "other", "1"));
        assertEquals(NODE.guest(), pod.guest());
        assertEquals(NODE.drivers(), pod.drivers());
        assertTrue(
                pod.origins()
                        .contains(new Origin("guest.kernel_parameters", "x", "/etc/hako.toml")));
        assertTrue(pod.origins().contains(new Origin("guest.cpus", "1", "default")));
    }

    @Test
    public void anAllowedAnnotationOverridesAndIsNamedAsTheOrigin() {
        PodSettings pod =
                NODE.forPod(
                        Map.of(
                                "io.hako.config.guest.memory", "300M",
                                "io.hako.config.guest.cpus", "3",
                                "io.hako.config.drivers.storage", "9p, virtio-fs"));
        assertEquals(MemorySize.ofMebibytes(300), pod.guest().memory());
        assertEquals(new CpuCount(3), pod.guest().cpus());
        assertEquals(List.of("9p", "virtio-fs"), pod.drivers().storage());
        assertEquals("x", pod.guest().kernelParameters());
        assertTrue(
                pod.origins()
                        .contains(
                                new Origin(
                                        "guest.cpus",
                                        "3",
                                        "annotation io.hako.config.guest.cpus")));
    }

    @Test
    public void whatTheOperatorDoesNotAllowIsRefused() {
        refused(
                "io.hako.config.guest.kernel",
                "/tmp/evil",
                "The annotation io.hako.config.guest.kernel is not allowed here: this node's operator allows guest.memory, guest.cpus,"
                        + " drivers.storage.");
        DriverException refusal =
                assertThrows(
                        DriverException.class,
                        () ->
                                HakoSettings.parse("f", "")
                                        .forPod(Map.of("io.hako.config.guest.cpus", "2")));
        assertEquals(
                "The annotation io.hako.config.guest.cpus is not allowed here: this node's operator allows none.",
                refusal.getMessage());
    }

    @Test
    public void whatNobodyKnowsOrDoesNotFitIsRefused() {
        refused(
                "io.hako.config.guest.memry",
                "1G",
                "The annotation io.hako.config.guest.memry is not known: did you mean \"guest.memory\"?");
        refused(
                "io.hako.config.guest.cpus",
                "two",
                "The annotation io.hako.config.guest.cpus is a whole number, but is \"two\".");
        refused(
                "io.hako.config.guest.memory",
                "1M",
                "The settings in [guest] are refused: memory is at least 32 MiB, but is 1 MiB.");
    }

    @Test
    public void anOperatorWhoAllowsWhatThereIsNotIsTold() {
        DriverException refusal =
                assertThrows(
                        DriverException.class,
                        () -> HakoSettings.parse("/f", "[annotations]\nallowed = [\"guest.cpu\"]"));
        assertEquals(
                "In the settings file /f: The setting annotations.allowed names \"guest.cpu\", which no pod can have of its own: did you mean"
                        + " \"guest.cpus\"?",
                refusal.getMessage());
    }

    private static void refused(String annotation, String value, String sentence) {
        DriverException refusal =
                assertThrows(DriverException.class, () -> NODE.forPod(Map.of(annotation, value)));
        assertEquals(FailureKind.INVALID_REQUEST, refusal.failure());
        assertEquals(sentence, refusal.getMessage());
    }
}
