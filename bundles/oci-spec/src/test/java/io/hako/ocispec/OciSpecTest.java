// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.GuestPath;
import io.hako.api.types.MemorySize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class OciSpecTest {
    private static final Path BUNDLE = Path.of("/b");
    private static final String WHOLE =
            """
            {"ociVersion":"1.1.0","hostname":"box","root":{"path":"rootfs","readonly":true},
             "process":{"terminal":true,"consoleSize":{"height":25,"width":80},"args":["sh","-c","true"],"cwd":"/","env":["A=1"],
               "apparmorProfile":"docker-default","selinuxLabel":"x","noNewPrivileges":true},
             "annotations":{"io.hako.name":"shop"},
             "mounts":[{"destination":"/proc","type":"proc","source":"proc"},
                       {"destination":"/data","type":"bind","source":"/srv/data","options":["rbind","ro"]}],
             "future":{"kept":[1,null]},
             "linux":{"cgroupsPath":"/hako/box","mountLabel":"x",
               "namespaces":[{"type":"pid"},{"type":"network","path":"/run/netns/n"},{"type":"ipc","path":"/proc/7/ns/ipc"},
                             {"type":"uts"},{"type":"mount"}],
               "resources":{"memory":{"limit":268435456},"cpu":{"quota":150000,"period":100000},"blockIO":{"weight":10},
                            "pids":{"limit":5}}}}
            """;

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    @Test
    public void whatHakoNeedsIsReadOnce() {
        OciSpec spec = OciSpec.parse("c", BUNDLE, WHOLE);
        assertEquals(List.of("sh", "-c", "true"), spec.process().args());
        assertTrue(spec.process().terminal());
        assertEquals(25, spec.process().rows());
        assertEquals(80, spec.process().columns());
        assertEquals(Path.of("/b/rootfs"), spec.rootfs());
        assertTrue(spec.rootfsReadOnly());
        assertEquals("box", spec.hostname());
        assertEquals(Map.of("io.hako.name", "shop"), spec.annotations());
        assertEquals(Optional.of(MemorySize.ofMebibytes(256)), spec.resources().memory());
        assertEquals(Optional.of(new CpuCount(2)), spec.resources().cpus());
        assertEquals("/hako/box", spec.cgroupsPath());
        assertEquals(
                List.of(
                        new OciMount.GuestFilesystem("proc", "/proc"),
                        new OciMount.HostPath(
                                Path.of("/srv/data"), "/data", true, List.of("rbind", "ro"))),
                spec.mounts());
    }

    @Test
    public void theGuestGetsItsOwnPathsAndAllThatHakoDoesNotKnow() {
        String text =
                OciSpec.parse("c", BUNDLE, WHOLE)
                        .withGuestPaths(
                                new GuestPlaces(
                                        "box",
                                        new GuestPath("/run/r"),
                                        mount -> new GuestPath("/run/m" + mount.destination()),
                                        Map.of(),
                                        Optional.empty()));
        JsonObject guest = JsonParser.parseString(text).getAsJsonObject();
        assertEquals("/run/r", guest.getAsJsonObject("root").get("path").getAsString());
        assertEquals(
                "/run/m/data",
                guest.getAsJsonArray("mounts")
                        .get(1)
                        .getAsJsonObject()
                        .get("source")
                        .getAsString());
        assertEquals("{\"kept\":[1,null]}", guest.get("future").toString());
        JsonObject linux = guest.getAsJsonObject("linux");
        assertEquals("/hako/box", linux.get("cgroupsPath").getAsString());
        assertEquals(
                "[{\"type\":\"pid\"},{\"type\":\"uts\"},{\"type\":\"mount\"}]",
                linux.get("namespaces").toString());
        assertEquals("[memory, cpu, pids]", linux.getAsJsonObject("resources").keySet().toString());
        assertFalse(linux.has("mountLabel"));
        assertEquals(
                "[terminal, consoleSize, args, cwd, env, noNewPrivileges]",
                guest.getAsJsonObject("process").keySet().toString());
    }

    @Test
    public void aFileOfTheGuestIsSeenWhereTheSpecMountsNothing() {
        String text =
                OciSpec.parse("c", BUNDLE, WHOLE)
                        .withGuestPaths(
                                places(
                                        Map.of(
                                                "/etc/hosts",
                                                new GuestPath("/run/hosts"),
                                                "/data",
                                                new GuestPath("/run/data"))));
        JsonArray mounts = JsonParser.parseString(text).getAsJsonObject().getAsJsonArray("mounts");
        assertEquals(3, mounts.size());
        assertEquals(
                "{\"destination\":\"/etc/hosts\",\"type\":\"bind\",\"source\":\"/run/hosts\",\"options\":[\"bind\",\"rprivate\"]}",
                mounts.get(2).toString());
    }

    @Test
    public void theSpecItselfIsNotChangedByThat() {
        OciSpec spec = OciSpec.parse("c", BUNDLE, WHOLE);
        String first = spec.withGuestPaths(places(Map.of()));
        assertEquals(OciSpec.parse("c", BUNDLE, WHOLE), spec);
        assertEquals(first, spec.withGuestPaths(places(Map.of())));
    }

    @Test
    public void noLimitIsNoLimit() {
        OciResources none =
                OciResources.parse(
                        "{\"memory\":{\"limit\":-1},\"cpu\":{\"quota\":-1,\"period\":100000}}");
        assertEquals(new OciResources(Optional.empty(), 0), none);
        assertEquals(none, OciResources.parse("{}"));
    }

    @Test
    public void brokenInputIsNamedByItsPath() {
        refused(
                "\"args\":[\"sh\",\"-c\",\"true\"]",
                "\"args\":[]",
                "c: process.args must be a command with at least one word, but is [].");
        refused(
                "\"args\":[\"sh\"",
                "\"args\":[7",
                "c: process.args[0] must be a string, but is 7.");
        refused(
                "\"limit\":268435456",
                "\"limit\":\"much\"",
                "c: linux.resources.memory.limit must be a whole number, but is \"much\".");
        refused(
                "\"limit\":268435456",
                "\"limit\":1e30",
                "c: linux.resources.memory.limit must be a whole number of at most 64 bits, but is 1e30.");
        refused(
                "\"period\":100000",
                "\"period\":1",
                "c: linux.resources.cpu asks for 150000 CPUs, but a machine has at most 4096.");
        refused(
                "{\"type\":\"uts\"}",
                "{}",
                "c: linux.namespaces[3].type must be a string, but is missing.");
        refused(
                "\"cwd\":\"/\"",
                "\"cwd\":\"x\"",
                "c: process.cwd must be an absolute path, but is \"x\".");
        refused(
                "\"root\":{\"path\":\"rootfs\",\"readonly\":true}",
                "\"root\":[]",
                "c: root must be an object, but is [].");
        refused(
                "\"mounts\":[",
                "\"mounts\":[{\"destination\":\"/n\",\"type\":\"nfs\"},",
                "c: mounts[0] is a mount of type \"nfs\", but a guest makes only cgroup, cgroup2, devpts, devtmpfs, mqueue,"
                        + " overlay, proc, ramfs, sysfs, tmpfs, and bind mounts.");
    }

    @Test
    public void textThatIsNoJsonSaysWhere() {
        DriverException refusal =
                assertThrows(DriverException.class, () -> OciSpec.parse("c", BUNDLE, "{\"a\":"));
        assertEquals(
                "c is no JSON: End of input at line 1 column 6 path $.a.", refusal.getMessage());
        refusal = assertThrows(DriverException.class, () -> OciSpec.parse("c", BUNDLE, ""));
        assertEquals("c must be an object, but is missing.", refusal.getMessage());
    }

    @Test
    public void aBundleWithoutAConfigIsNotFound() throws IOException {
        Path bundle = folder.getRoot().toPath();
        DriverException refusal = assertThrows(DriverException.class, () -> OciSpec.read(bundle));
        assertEquals(FailureKind.NOT_FOUND, refusal.failure());
        assertEquals("The bundle " + bundle + " has no config.json.", refusal.getMessage());
        Files.writeString(bundle.resolve("config.json"), WHOLE);
        assertEquals(bundle.resolve("rootfs"), OciSpec.read(bundle).rootfs());
    }

    @Test
    public void aConfigTooLargeForTheAgentIsRefused() throws IOException {
        Path bundle = folder.getRoot().toPath();
        Files.writeString(bundle.resolve("config.json"), " ".repeat(OciSpec.LARGEST + 1));
        DriverException refusal = assertThrows(DriverException.class, () -> OciSpec.read(bundle));
        assertEquals(
                bundle + "/config.json has 3145729 bytes, but at most 3145728 are read.",
                refusal.getMessage());
    }

    @Test
    public void whatAVirtualMachineCannotDoIsRefused() {
        unsupported(
                "{\"type\":\"network\",\"path\":\"/run/netns/n\"},",
                "",
                "c: linux.namespaces has no \"network\", which asks for hostNetwork, but a virtual machine has its own: add the"
                        + " namespace.");
        unsupported(
                "{\"type\":\"pid\"},",
                "",
                "c: linux.namespaces has no \"pid\", which asks for hostPID, but a virtual machine has its own: add the namespace.");
        unsupported(
                "{\"type\":\"pid\"}",
                "{\"type\":\"pid\",\"path\":\"/proc/1/ns/pid\"}",
                "c: linux.namespaces joins the pid namespace /proc/1/ns/pid of the host, but a container in a virtual machine"
                        + " cannot: ask for a new one.");
        unsupported(
                "{\"type\":\"pid\"}",
                "{\"type\":\"pid\"},{\"type\":\"user\"}",
                "c: linux.namespaces asks for a user namespace, but what parts a container's users from the host's is its virtual"
                        + " machine: remove the namespace and its mappings.");
        unsupported(
                "\"hostname\":\"box\"",
                "\"hooks\":{\"createContainer\":[{\"path\":\"/h\"}]}",
                "c: hooks.createContainer is set, which runs a program of the host's in the namespaces of the container, but those are a"
                        + " virtual machine's: use createRuntime for what is the host's, startContainer for what is the container's.");
        unsupported(
                "[\"rbind\",\"ro\"]",
                "[\"rbind\",\"rshared\"]",
                "c: the mount at /data is to propagate to the host, but mounts made in a virtual machine stay there: use rslave or"
                        + " rprivate (of a pod's volume, mountPropagation HostToContainer or None).");
        unsupported(
                "\"cgroupsPath\"",
                "\"devices\":[{\"path\":\"/dev/sda\",\"type\":\"b\",\"major\":8,\"minor\":0}],\"cgroupsPath\"",
                "c: linux.devices[0] is the host's device /dev/sda (b 8:0), which a virtual machine does not have: remove the"
                        + " device, or, if the container is privileged, set privileged_without_host_devices for its runtime handler.");
    }

    @Test
    public void aDeviceThatEveryLinuxHasIsKept() {
        String fuse =
                WHOLE.replace(
                        "\"cgroupsPath\"",
                        "\"devices\":[{\"path\":\"/dev/fuse\",\"type\":\"c\",\"major\":10,\"minor\":229}],\"cgroupsPath\"");
        String guest = OciSpec.parse("c", BUNDLE, fuse).withGuestPaths(places(Map.of()));
        assertTrue(guest, guest.contains("/dev/fuse"));
    }

    private static GuestPlaces places(Map<String, GuestPath> files) {
        return new GuestPlaces(
                "box", new GuestPath("/r"), mount -> new GuestPath("/m"), files, Optional.empty());
    }

    private static void refused(String part, String replacement, String sentence) {
        assertTrue(part, WHOLE.contains(part));
        DriverException refusal =
                assertThrows(
                        DriverException.class,
                        () -> OciSpec.parse("c", BUNDLE, WHOLE.replace(part, replacement)));
        assertEquals(sentence, refusal.getMessage());
    }

    private static void unsupported(String part, String replacement, String sentence) {
        assertTrue(part, WHOLE.contains(part));
        OciSpec spec = OciSpec.parse("c", BUNDLE, WHOLE.replace(part, replacement));
        DriverException refusal =
                assertThrows(DriverException.class, () -> spec.withGuestPaths(places(Map.of())));
        assertEquals(FailureKind.UNSUPPORTED, refusal.failure());
        assertEquals(sentence, refusal.getMessage());
    }
}
