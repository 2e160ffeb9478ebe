// SPDX-License-Identifier: Apache-2.0
package io.hako.api.types;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import io.hako.api.device.PersistentMemory;
import io.hako.api.device.VhostUserInterface;
import io.hako.api.device.VirtioFsShare;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.Test;
import org.junit.function.ThrowingRunnable;

/** Values are checked where they are born; the sentence has the limit and the value. */
public class ValuesTest {
    private static final DeviceId ID = new DeviceId("d");
    private static final MacAddress MAC = new MacAddress("02:00:00:00:00:01");

    @Test
    public void cpusAreWithinKvmsLimit() {
        refused(
                "A virtual machine has 1 to 4096 CPUs, but 0 were asked for.",
                () -> new CpuCount(0));
        refused(
                "A virtual machine has 1 to 4096 CPUs, but 4097 were asked for.",
                () -> new CpuCount(4097));
    }

    @Test
    public void macAddressesAreOfOneStation() {
        assertEquals("02:00:5e:00:00:01", new MacAddress("02:00:5E:00:00:01").text());
        refused(
                "A MAC address has six hexadecimal bytes such as 02:00:00:00:00:01, but is \"02:00\".",
                () -> new MacAddress("02:00"));
        refused(
                "An interface cannot have the group address 01:00:5e:00:00:01 as its MAC address.",
                () -> new MacAddress("01:00:5e:00:00:01"));
    }

    @Test
    public void namesCannotLeaveTheirDirectory() {
        for (String name : List.of("..", "a/b", "", "-rf", "a b", "a\n", "a@b")) {
            refused(
                    "The id of a sandbox has letters, digits, '_', '.' and '-' only and begins with a letter or digit, but is \""
                            + name
                            + "\".",
                    () -> new OwnerId("hako", name));
            refused(
                    "A namespace has letters, digits, '_', '.' and '-' only and begins with a letter or digit, but is \""
                            + name
                            + "\".",
                    () -> new OwnerId(name, "web"));
        }
        refused(
                "The id of a sandbox has at most 76 characters, but \"%s\" has 77."
                        .formatted("a".repeat(77)),
                () -> new OwnerId("hako", "a".repeat(77)));
    }

    @Test
    public void twoSandboxesAreNeverOneWord() {
        assertEquals("a-b@c", new OwnerId("a-b", "c").toString());
        assertEquals("a@b-c", new OwnerId("a", "b-c").toString());
        for (OwnerId owner : List.of(new OwnerId("a-b", "c"), new OwnerId("k8s.io", "0_1-2"))) {
            assertEquals(owner, OwnerId.parse(owner.toString()));
        }
        refused(
                "A sandbox of this node is written NAMESPACE@ID, but this is \"hako-web\".",
                () -> OwnerId.parse("hako-web"));
        refused(
                "The id of a sandbox has letters, digits, '_', '.' and '-' only and begins with a letter or digit, but is \"b@c\".",
                () -> OwnerId.parse("a@b@c"));
    }

    @Test
    public void driversAreNamedByKindAndName() {
        assertEquals(
                new DriverId(DriverKind.STORAGE, "virtio-fs"), DriverId.parse("storage/virtio-fs"));
        assertEquals("hypervisor/qemu", new DriverId(DriverKind.HYPERVISOR, "qemu").toString());
        for (String text : List.of("qemu", "vm/qemu", "hypervisor", "")) {
            refused(
                    "A driver is named hypervisor/NAME, network/NAME or storage/NAME, but \"%s\" was given."
                            .formatted(text),
                    () -> DriverId.parse(text));
        }
        refused(
                "The name of a driver has letters, digits, '_', '.' and '-' only and begins with a letter or digit, but is \"\".",
                () -> DriverId.parse("storage/"));
    }

    @Test
    public void socketPathsFitIntoTheKernelsAddress() {
        Path longest = Path.of("/" + "s".repeat(106));
        new PassedFile.ListeningSocket("s", longest);
        refused(
                "The path of a socket has at most 107 bytes, but \"%ss\" has 108: use a shorter run directory."
                        .formatted(longest),
                () -> new PassedFile.ListeningSocket("s", Path.of(longest + "s")));
        refused(
                "The socket of a virtio-fs backend is an absolute path without \".\" and \"..\", but is \"s.sock\".",
                () -> new VirtioFsShare(ID, "tag", Path.of("s.sock")));
    }

    @Test
    public void aRootOfItsOwnIsForAProcessWithItsOwnMountsAndPids() {
        var root = new Confinement.OwnRoot(Set.of(), Set.of(Path.of("/srv")));
        refused(
                "A process with a root of its own has namespaces of its own for MOUNT and PID, but they are [MOUNT, IPC].",
                () ->
                        new Confinement(
                                Set.of(Confinement.Namespace.IPC, Confinement.Namespace.MOUNT),
                                Optional.empty(),
                                true,
                                Optional.empty(),
                                Optional.of(root)));
        refused(
                "A process with a root of its own names the capabilities that it keeps: with all of the shim's it could leave the root.",
                () ->
                        new Confinement(
                                Set.of(Confinement.Namespace.PID, Confinement.Namespace.MOUNT),
                                Optional.empty(),
                                true,
                                Optional.empty(),
                                Optional.of(root)));
        refused(
                "A path of a process's root is an absolute path without \".\" and \"..\", but is \"srv\".",
                () -> new Confinement.OwnRoot(Set.of(), Set.of(Path.of("srv"))));
    }

    @Test
    public void capabilitiesAreKeptByUserZero() {
        refused(
                "A process keeps capabilities as user 0 only, but is to keep [CHOWN, SETUID] as user 7.",
                () ->
                        new Confinement(
                                Set.of(),
                                Optional.of(new Confinement.HostUser(7, 7)),
                                true,
                                Optional.of(
                                        Set.of(
                                                Confinement.Capability.SETUID,
                                                Confinement.Capability.CHOWN)),
                                Optional.empty()));
    }

    @Test
    public void guestPathsAreAbsolute() {
        assertEquals("/run/hako/share/0", new GuestPath("/run/hako").resolve("share/0").text());
        refused(
                "A path in the guest is an absolute path without \".\" and \"..\", but is \"/a/../b\".",
                () -> new GuestPath("/a/../b"));
    }

    @Test
    public void persistentMemoryIsAligned() {
        refused(
                "Persistent memory has a positive multiple of 2 MiB, but /image has 2097153 bytes.",
                () -> new PersistentMemory(ID, Path.of("/image"), new MemorySize(2_097_153)));
    }

    @Test
    public void queuesArePowersOfTwoWithinLimits() {
        refused(
                "The queue size of interface d is 64 to 32768, but is 32.",
                () -> new VhostUserInterface(ID, MAC, 1500, Path.of("/s"), 1, 32));
        refused(
                "The queue size of interface d is a power of two, but is 100.",
                () -> new VhostUserInterface(ID, MAC, 1500, Path.of("/s"), 1, 100));
        refused(
                "The MTU of interface d is 68 to 65535, but is 67.",
                () -> new VhostUserInterface(ID, MAC, 67, Path.of("/s"), 1, 256));
    }

    @Test
    public void hostUsersAreReal() {
        refused(
                "A user and group id is 0 to 4294967294, but they are 4294967295 and 0.",
                () -> new Confinement.HostUser(4_294_967_295L, 0));
    }

    @Test
    public void exitStatusesAreThoseOfLinux() {
        refused("An exit code is 0 to 255, but is 256.", () -> new ExitStatus.Exited(256));
        refused("A signal is 1 to 64, but is 0.", () -> new ExitStatus.Signalled(0));
    }

    static void refused(String sentence, ThrowingRunnable value) {
        DriverException e = assertThrows(DriverException.class, value);
        assertEquals(sentence, e.getMessage());
        assertEquals(FailureKind.INVALID_REQUEST, e.failure());
    }
}
