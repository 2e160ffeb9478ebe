// SPDX-License-Identifier: Apache-2.0
package io.hako.storage.virtiofs;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.hako.api.device.VirtioFsShare;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Finding;
import io.hako.api.driver.ProcessSpec;
import io.hako.api.storage.GuestSource;
import io.hako.api.storage.GuestStep;
import io.hako.api.storage.StorageAttachment;
import io.hako.api.storage.VolumeId;
import io.hako.api.storage.VolumeSource.HostDirectory;
import io.hako.api.types.Confinement.Namespace;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.api.types.GuestPath;
import io.hako.api.types.OwnerId;
import io.hako.fake.Faults;
import io.hako.fake.node.FakeCall;
import io.hako.fake.node.FakeNode;
import io.hako.fake.node.FixedSettings;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

public class VirtioFsDriverTest {
    private static final OwnerId OWNER = new OwnerId("test", "pod");
    private static final GuestPath TARGET = new GuestPath("/run/hako/share/0");

    @Rule public final TemporaryFolder temporary = new TemporaryFolder();

    private final VirtioFsDriver driver = new VirtioFsDriver();
    private FakeNode node;
    private DriverContext context;
    private Path shared;

    @Before
    public void open() throws Exception {
        shared = temporary.newFolder("shared").toPath();
        node = new FakeNode(temporary.newFolder("n").toPath());
        node.program(
                process ->
                        process.print(
                                "Waiting for vhost-user socket connection...\n"
                                        .getBytes(StandardCharsets.UTF_8)));
        context = contextWith(Path.of("/bin/true"));
    }

    @After
    public void close() {
        node.close();
    }

    private DriverContext contextWith(Path program) {
        var settings =
                new FixedSettings(new VirtioFsSettings(Optional.of(program), CachePolicy.NONE));
        return node.context(OWNER, "s0", settings, Faults.none());
    }

    private StorageAttachment share(Path directory, boolean readOnly) {
        return driver.share(
                new HostDirectory(new VolumeId("0"), directory, readOnly, TARGET),
                context,
                FakeCall.patient());
    }

    private ProcessSpec launched() {
        return node.process(OWNER, "virtiofsd-0").orElseThrow().spec();
    }

    @Test
    public void aWritableDirectoryIsServedAsItIs() {
        StorageAttachment volume = share(shared, false);
        Path socket = context.workspace().resolve("fs.sock");
        assertEquals(
                List.of(new VirtioFsShare(new DeviceId("hako-0"), "hako-0", socket)),
                volume.devices());
        assertEquals(
                List.of(
                        new GuestStep.MountFilesystem(
                                "virtiofs", new GuestSource.Tag("hako-0"), TARGET, List.of())),
                volume.guestSteps());
        assertEquals(
                List.of(
                        "/bin/true",
                        "--fd=3",
                        "-f",
                        "-o",
                        "source=" + shared + ",xattr,cache=none,sandbox=chroot,announce_submounts"),
                launched().command());
        assertEquals(List.of("process virtiofsd-0"), node.effects(OWNER));
    }

    @Test
    public void aReadOnlyDirectoryIsBoundReadOnlyOnTheHost() {
        StorageAttachment volume = share(shared, true);
        Path view = context.workspace().resolve("ro");
        assertTrue(launched().command().getLast().startsWith("source=" + view + ","));
        assertEquals(List.of("process virtiofsd-0", "mount " + view), node.effects(OWNER));
        assertEquals(
                List.of(
                        new GuestStep.MountFilesystem(
                                "virtiofs", new GuestSource.Tag("hako-0"), TARGET, List.of("ro"))),
                volume.guestSteps());
        volume.destroy(FakeCall.patient());
        assertEquals(List.of(), node.effects(OWNER));
    }

    @Test
    public void theServerIsRootOfItsOwnUserNamespaceOnly() {
        share(shared, false);
        assertEquals(Set.of(Namespace.values()), launched().confinement().namespaces());
        assertTrue(launched().confinement().noNewPrivileges());
    }

    @Test
    public void theServerSeesItsShareAlone() {
        share(shared, false);
        assertEquals(Set.of(shared), launched().confinement().root().orElseThrow().followed());
        assertTrue(
                "what the host has beside its programs",
                launched().confinement().root().orElseThrow().readable().stream()
                        .allMatch(path -> path.startsWith("/proc/sys/fs")));
    }

    @Test
    public void aReadOnlyShareIsSeenThroughItsViewAlone() {
        share(shared, true);
        assertEquals(
                Set.of(context.workspace().resolve("ro")),
                launched().confinement().root().orElseThrow().followed());
    }

    @Test
    public void aServerThatEndsBeforeItIsReadyIsQuotedAndLeavesNothing() {
        node.program(
                process -> {
                    process.print(
                            "starting\nfuse: unknown option `-o nonsense'\n"
                                    .getBytes(StandardCharsets.UTF_8));
                    process.end(new ExitStatus.Exited(1));
                });
        DriverException e = assertThrows(DriverException.class, () -> share(shared, true));
        assertEquals(FailureKind.UNAVAILABLE, e.failure());
        assertEquals(
                "The file server virtiofsd ended with status 1 before it was ready. The last line it wrote: \"fuse: unknown option `-o nonsense'\".",
                e.getMessage());
        assertEquals(List.of(), node.effects(OWNER));
    }

    @Test
    public void aPathThatCannotBeWrittenAsAnOptionIsRefused() throws Exception {
        for (String name : List.of("a,b", "a=b")) {
            Path odd = Files.createDirectory(shared.resolve(name));
            DriverException e = assertThrows(DriverException.class, () -> share(odd, false));
            assertEquals(FailureKind.INVALID_REQUEST, e.failure());
            assertEquals(
                    "The directory %s cannot be shared by virtio-fs: its path has a ',' or '='."
                            .formatted(odd),
                    e.getMessage());
        }
    }

    @Test
    public void aMissingProgramIsNamedWithHowToGetIt() {
        context = contextWith(Path.of("/nonexistent/virtiofsd"));
        DriverException e = assertThrows(DriverException.class, () -> share(shared, false));
        assertEquals(FailureKind.NOT_FOUND, e.failure());
        assertEquals(
                "There is no program /nonexistent/virtiofsd. Install virtiofsd (Debian 13: apt install virtiofsd; Debian 12: apt install qemu-system-common), or set binary in [storage.virtio-fs].",
                e.getMessage());
    }

    @Test
    public void probeRefusesAProgramThatIsNotVirtiofsd() {
        List<Finding> findings = driver.probe(context.settings(), FakeCall.patient());
        assertEquals(Finding.Level.MISSING, findings.getFirst().level());
        assertEquals(
                "/bin/true does not say that it is virtiofsd.", findings.getFirst().sentence());
    }

    @Test
    public void defaults() {
        assertEquals(
                new VirtioFsSettings(Optional.empty(), CachePolicy.AUTO), new VirtioFsSettings());
    }
}
