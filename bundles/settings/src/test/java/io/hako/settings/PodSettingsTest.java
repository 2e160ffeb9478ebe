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
import java.util.Optional;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;

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
        PodSettings pod = pod(NODE, Map.of("io.hako.name", "shop", "other", "1"));
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
                pod(
                        NODE,
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
    public void whatTheOperatorDoesNotAllowIsRefusedWithTheSettingThatWould() {
        refused(
                NODE,
                "io.hako.config.guest.kernel",
                "/tmp/evil",
                "The annotation io.hako.config.guest.kernel is not allowed here: the operator's setting annotations.allowed in"
                        + " /etc/hako.toml would have to list \"guest.kernel\", and lists guest.memory, guest.cpus, drivers.storage.");
        refused(
                HakoSettings.parse("f", ""),
                "io.hako.config.hypervisor.example.queues",
                "2",
                "The annotation io.hako.config.hypervisor.example.queues is not allowed here: the operator's setting"
                        + " annotations.allowed in f would have to list \"hypervisor.example.queues\", and lists nothing.");
    }

    @Test
    public void whatNobodyKnowsOrDoesNotFitIsRefused() {
        refused(
                NODE,
                "io.hako.config.guest.memry",
                "1G",
                "The annotation io.hako.config.guest.memry is not known: did you mean \"guest.memory\"?");
        refused(
                NODE,
                "io.hako.config.guest.cpus",
                "two",
                "The annotation io.hako.config.guest.cpus is a whole number from 1 to 4096, but \"two\" was given.");
        refused(
                NODE,
                "io.hako.config.guest.memory",
                "1M",
                "The settings in [guest] are refused: memory is at least 32 MiB, but is 1 MiB.");
    }

    @Test
    public void anOperatorWhoAllowsWhatThereIsNotIsTold() {
        assertEquals(
                "In the settings file /f: The setting annotations.allowed names \"guest.cpu\", which no pod can have of its own: did you mean"
                        + " \"guest.cpus\"?",
                sentence(
                        () ->
                                HakoSettings.parse(
                                        "/f", "[annotations]\nallowed = [\"guest.cpu\"]")));
    }

    private static PodSettings pod(HakoSettings node, Map<String, String> annotations) {
        return node.forPod(Optional.empty(), annotations);
    }

    private static void refused(
            HakoSettings node, String annotation, String value, String sentence) {
        assertEquals(sentence, sentence(() -> pod(node, Map.of(annotation, value))));
    }

    private static String sentence(ThrowingRunnable what) {
        DriverException refusal = assertThrows(DriverException.class, what);
        assertEquals(FailureKind.INVALID_REQUEST, refusal.failure());
        return refusal.getMessage();
    }
}
