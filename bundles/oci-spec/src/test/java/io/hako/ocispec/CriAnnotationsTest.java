// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonParser;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.GuestPath;
import io.hako.api.types.MemorySize;
import io.hako.ocispec.CriAnnotations.Role;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.Test;

/** A container as Kubernetes' runtimes ask for it. */
public class CriAnnotationsTest {
    private static final String MEMBER =
            """
            {"ociVersion":"1.1.0","root":{"path":"rootfs"},"process":{"args":["sh"],"cwd":"/"},
             "annotations":{"io.kubernetes.cri.container-type":"container","io.kubernetes.cri.sandbox-id":"pod1"},
             "linux":{"namespaces":[{"type":"pid","path":"/proc/7/ns/pid"},{"type":"network","path":"/proc/7/ns/net"},
                                    {"type":"ipc","path":"/proc/7/ns/ipc"},{"type":"uts","path":"/proc/7/ns/uts"},{"type":"mount"}],
                      "resources":{"cpu":{"shares":102,"quota":50000,"period":100000,"cpus":"6-7","mems":"0"},
                                   "memory":{"limit":67108864}}}}
            """;

    @Test
    public void aContainerWithoutAnnotationsIsAlone() {
        assertEquals(
                new CriAnnotations(Role.ALONE, "", "", "", "", OciResources.NONE),
                CriAnnotations.of("c", Map.of("io.hako.name", "x")));
    }

    @Test
    public void containerdTellsTheSizeOfThePodInBytesAndMicroseconds() {
        CriAnnotations cri =
                CriAnnotations.of(
                        "c",
                        Map.of(
                                "io.kubernetes.cri.container-type", "sandbox",
                                "io.kubernetes.cri.sandbox-id", "pod1",
                                "io.kubernetes.cri.sandbox-name", "shop",
                                "io.kubernetes.cri.sandbox-memory", "209715200",
                                "io.kubernetes.cri.sandbox-cpu-quota", "150000",
                                "io.kubernetes.cri.sandbox-cpu-period", "100000",
                                "io.kubernetes.cri.sandbox-cpu-shares", "1536"));
        assertEquals(Role.SANDBOX, cri.role());
        assertEquals("pod1", cri.sandbox());
        assertEquals("shop", cri.name());
        assertEquals(Optional.of(MemorySize.ofMebibytes(200)), cri.size().memory());
        assertEquals(Optional.of(new CpuCount(2)), cri.size().cpus());
    }

    @Test
    public void zeroIsNoLimitAndCriOTellsNoSizes() {
        assertEquals(
                OciResources.NONE,
                CriAnnotations.of(
                                "c",
                                Map.of(
                                        "io.kubernetes.cri.container-type", "sandbox",
                                        "io.kubernetes.cri.sandbox-memory", "0",
                                        "io.kubernetes.cri.sandbox-cpu-quota", "0"))
                        .size());
        assertEquals(
                new CriAnnotations(Role.CONTAINER, "pod2", "", "", "", OciResources.NONE),
                CriAnnotations.of(
                        "c",
                        Map.of(
                                "io.kubernetes.cri-o.ContainerType", "container",
                                "io.kubernetes.cri-o.SandboxID", "pod2")));
    }

    @Test
    public void criOsNameForTheRuntimeAsksForAProfile() {
        assertEquals(Optional.of("large"), ofCriO("hako-large").profile());
        assertEquals(Optional.empty(), ofCriO("hako").profile());
        assertEquals(Optional.empty(), ofCriO("").profile());
    }

    @Test
    public void whatAPodOfContainerdWritesAsCriOsAsksForNothing() {
        assertEquals(
                Optional.empty(),
                CriAnnotations.of(
                                "c",
                                Map.of(
                                        "io.kubernetes.cri.container-type", "sandbox",
                                        "io.kubernetes.cri-o.ContainerType", "sandbox",
                                        "io.kubernetes.cri-o.RuntimeHandler", "hako-large"))
                        .profile());
    }

    @Test
    public void aPodCannotNameAnothersSandboxByTheNamesOfTheOtherServer() {
        Map<String, String> criOs =
                Map.of(
                        "io.kubernetes.cri-o.ContainerType", "container",
                        "io.kubernetes.cri-o.SandboxID", "own",
                        "io.kubernetes.cri.container-type", "container",
                        "io.kubernetes.cri.sandbox-id", "victim");
        assertEquals(
                "c: The annotations io.kubernetes.cri-o.SandboxID and io.kubernetes.cri.sandbox-id contradict each"
                        + " other, \"own\" and \"victim\"; remove from the pod the one that it sets itself.",
                contradiction(criOs));
        Map<String, String> posing =
                Map.of(
                        "io.kubernetes.cri-o.ContainerType", "sandbox",
                        "io.kubernetes.cri-o.SandboxID", "own",
                        "io.kubernetes.cri.container-type", "container");
        assertEquals(
                "c: The annotations io.kubernetes.cri-o.ContainerType and io.kubernetes.cri.container-type contradict"
                        + " each other, \"sandbox\" and \"container\"; remove from the pod the one that it sets itself.",
                contradiction(posing));
    }

    private static String contradiction(Map<String, String> annotations) {
        DriverException refusal =
                assertThrows(DriverException.class, () -> CriAnnotations.of("c", annotations));
        assertEquals(FailureKind.INVALID_REQUEST, refusal.failure());
        return refusal.getMessage();
    }

    private static CriAnnotations ofCriO(String handler) {
        return CriAnnotations.of(
                "c",
                Map.of(
                        "io.kubernetes.cri-o.ContainerType",
                        "sandbox",
                        "io.kubernetes.cri-o.RuntimeHandler",
                        handler));
    }

    @Test
    public void nonsenseIsNamed() {
        refused(
                "io.kubernetes.cri.container-type",
                "pod",
                "c: The annotation io.kubernetes.cri.container-type is \"sandbox\" or \"container\", but is \"pod\".");
        refused(
                "io.kubernetes.cri.sandbox-memory",
                "1G",
                "c: The annotation io.kubernetes.cri.sandbox-memory is a whole number of at most 64 bits, but is \"1G\".");
        refused(
                "io.kubernetes.cri.sandbox-cpu-quota",
                "500000000",
                "c: The annotation io.kubernetes.cri.sandbox-cpu-quota asks for 5000 CPUs, but a machine has at most 4096.");
    }

    @Test
    public void aPodsContainerJoinsThePodsNamespacesInTheGuest() {
        OciSpec spec = OciSpec.parse("c", Path.of("/b"), MEMBER);
        assertTrue(spec.sharesProcesses());
        String guest =
                spec.withGuestPaths(
                        new GuestPlaces(
                                "web",
                                new GuestPath("/r"),
                                mount -> new GuestPath("/m"),
                                Map.of(),
                                Optional.of(new GuestPath("/run/hako/ns/pid"))));
        assertEquals(
                "[{\"type\":\"pid\",\"path\":\"/run/hako/ns/pid\"},{\"type\":\"mount\"}]",
                linux(guest, "namespaces"));
    }

    @Test
    public void theHostnameThatCriORepeatsIsThePods() {
        String named = MEMBER.replace("{\"ociVersion\"", "{\"hostname\":\"shop\",\"ociVersion\"");
        GuestPlaces places =
                new GuestPlaces(
                        "web",
                        new GuestPath("/r"),
                        mount -> new GuestPath("/m"),
                        Map.of(),
                        Optional.of(new GuestPath("/run/hako/ns/pid")));

        assertFalse(
                OciSpec.parse("c", Path.of("/b"), named).withGuestPaths(places).contains("shop"));
        String alone = named.replace("\"path\":\"/proc/7/ns/uts\"", "\"x\":0");
        assertTrue(
                OciSpec.parse("c", Path.of("/b"), alone)
                        .withGuestPaths(places)
                        .contains("\"hostname\":\"shop\""));
    }

    @Test
    public void numbersOfTheHostsCpusAreNotTheGuests() {
        String kept =
                "{\"cpu\":{\"shares\":102,\"quota\":50000,\"period\":100000},\"memory\":{\"limit\":67108864}}";
        OciSpec spec =
                OciSpec.parse(
                        "c",
                        Path.of("/b"),
                        MEMBER.replace("\"path\":\"/proc/7/ns/pid\"", "\"x\":0"));
        String guest =
                spec.withGuestPaths(
                        new GuestPlaces(
                                "web",
                                new GuestPath("/r"),
                                mount -> new GuestPath("/m"),
                                Map.of(),
                                Optional.empty()));
        assertEquals(kept, linux(guest, "resources"));
        assertEquals(
                "{\"cpu\":{\"shares\":5},\"unified\":{\"memory.high\":\"9\"}}",
                OciResources.inGuest(
                        "{\"cpu\":{\"shares\":5,\"cpus\":\"3\"},\"hugepageLimits\":[],\"unified\":{\"io.max\":\"8:0 rbps=1\",\"hugetlb.1GB.max\":\"0\",\"memory.high\":\"9\"}}"));
    }

    private static String linux(String spec, String part) {
        return JsonParser.parseString(spec)
                .getAsJsonObject()
                .getAsJsonObject("linux")
                .get(part)
                .toString();
    }

    private static void refused(String name, String value, String sentence) {
        Map<String, String> annotations =
                name.endsWith("type")
                        ? Map.of(name, value)
                        : Map.of("io.kubernetes.cri.container-type", "sandbox", name, value);
        DriverException refusal =
                assertThrows(DriverException.class, () -> CriAnnotations.of("c", annotations));
        assertEquals(FailureKind.INVALID_REQUEST, refusal.failure());
        assertEquals(sentence, refusal.getMessage());
    }
}
