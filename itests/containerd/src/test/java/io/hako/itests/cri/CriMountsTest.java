// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import static org.junit.Assert.assertEquals;

import io.hako.itests.cri.api.Mount;
import io.hako.itests.cri.api.MountPropagation;
import io.hako.itests.machine.Await;
import io.hako.itests.machine.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.After;
import org.junit.Before;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/** What kubelet and containerd mount into a container, as it is seen from inside. */
public class CriMountsTest {
    private static final Node NODE = new Node();
    private static final NodeNetwork NETWORK = new NodeNetwork(NODE);
    private static final CriServer SERVER = new CriServer(NODE, NETWORK);

    @ClassRule
    public static final RuleChain RULES = RuleChain.outerRule(NODE).around(NETWORK).around(SERVER);

    private Path volumes;
    private CriPod pod;

    @Before
    public void runPod() throws IOException {
        volumes = Files.createDirectories(SERVER.directory().resolve("volumes"));
        pod = CriPod.run(SERVER, "mounts");
    }

    @After
    public void removePod() {
        pod.close();
        SERVER.nothingLeft();
    }

    @Test
    public void whatIsMountedIsSeenAsTheNodeHasIt() throws IOException {
        Path secret = projected("first");
        Path disk = Files.createDirectories(volumes.resolve("disk/sub"));
        Path memory = Files.createDirectories(volumes.resolve("memory"));
        Path follows = Files.createDirectories(volumes.resolve("follows/later"));
        Path termination = Files.createFile(volumes.resolve("termination"));
        Path hosts =
                Files.writeString(
                        volumes.resolve("hosts"), "127.0.0.1\tlocalhost\n198.18.7.9\tpeer\n");
        NODE.program("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", memory.toString());
        shared(follows.getParent());
        try {
            CriContainer one =
                    pod.start(
                            CriPod.container("one", "sleep", "1000")
                                    .addMounts(mount("/etc/hosts", hosts))
                                    .addMounts(mount("/dev/termination-log", termination))
                                    .addMounts(mount("/secret", secret).setReadonly(true))
                                    .addMounts(mount("/disk", disk.getParent()))
                                    .addMounts(mount("/sub", disk))
                                    .addMounts(mount("/memory", memory))
                                    .addMounts(
                                            mount("/follows", follows.getParent())
                                                    .setPropagation(
                                                            MountPropagation
                                                                    .PROPAGATION_HOST_TO_CONTAINER)));
            CriContainer two =
                    pod.start(
                            CriPod.container("two", "sleep", "1000")
                                    .addMounts(mount("/memory", memory))
                                    .addMounts(mount("/disk", disk.getParent())));

            assertEquals("198.18.7.9 peer", one.sh("grep peer /etc/hosts | tr '\\t' ' '"));
            assertEquals("mounts mounts", one.sh("echo $(hostname) $(cat /etc/hostname)"));
            assertEquals(
                    "search svc.test\nnameserver 198.18.7.1\noptions ndots:5",
                    one.sh("cat /etc/resolv.conf"));
            one.sh("echo why > /dev/termination-log");
            assertEquals("why\n", Files.readString(termination));

            assertEquals("first", one.sh("cat /secret/token"));
            assertEquals("..data/token", one.sh("readlink /secret/token"));
            swap(secret, "second");
            Await.until(
                    "the new data",
                    CriServer.LIMIT,
                    () -> one.sh("cat /secret/token").equals("second"),
                    SERVER::log);
            assertEquals("refused", one.sh("touch /secret/x 2>/dev/null || echo refused"));

            one.sh("echo shared > /memory/file; echo kept > /sub/file");
            assertEquals("shared kept", two.sh("echo $(cat /memory/file) $(cat /disk/sub/file)"));
            assertEquals("kept\n", Files.readString(disk.resolve("file")));
            assertEquals(
                    "full",
                    one.sh(
                            "dd if=/dev/zero of=/memory/fill bs=64k count=32 2>/dev/null || echo full"));
            one.sh("rm /memory/fill");

            follows(one, follows);
            assertEquals("shm", one.sh("df /dev/shm | tail -1 | cut -d' ' -f1"));
            assertEquals("65536", one.sh("df -k /dev/shm | tail -1 | awk '{print $2}'"));
            one.sh("echo seen > /dev/shm/file");
            assertEquals("seen", two.sh("cat /dev/shm/file"));
        } finally {
            NODE.program("umount", memory.toString());
            NODE.program("umount", follows.getParent().toString());
        }
    }

    /** As the file system is that kubelet's directory is on. */
    private static void shared(Path directory) {
        NODE.program("mount", "--bind", directory.toString(), directory.toString());
        NODE.program("mount", "--make-shared", directory.toString());
    }

    /** A mount that the node makes below a volume later is seen if the volume follows the node. */
    private static void follows(CriContainer container, Path later) throws IOException {
        NODE.program("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", later.toString());
        try {
            Files.writeString(later.resolve("file"), "propagated");
            Await.until(
                    "the later mount",
                    CriServer.LIMIT,
                    () ->
                            container
                                    .sh("cat /follows/later/file 2>/dev/null; true")
                                    .equals("propagated"),
                    SERVER::log);
        } finally {
            // What the guest has looked up is open in its file server for as long as the guest
            // remembers it, and what is open is busy.
            NODE.program("umount", "--lazy", later.toString());
        }
        Await.until(
                "the later mount to be gone",
                CriServer.LIMIT,
                () -> container.sh("ls /follows/later").isEmpty(),
                () -> container.sh("ls -la /follows /follows/later; grep follows /proc/mounts"));
    }

    /** As kubelet lays out a projected volume: the files are links into what ..data points to. */
    private Path projected(String token) throws IOException {
        Path volume = Files.createDirectories(volumes.resolve("secret"));
        data(volume, token);
        Files.createSymbolicLink(volume.resolve("..data"), Path.of(".." + token));
        Files.createSymbolicLink(volume.resolve("token"), Path.of("..data/token"));
        return volume;
    }

    private static void swap(Path volume, String token) throws IOException {
        data(volume, token);
        Path link = Files.createSymbolicLink(volume.resolve("..data_tmp"), Path.of(".." + token));
        Files.move(link, volume.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
    }

    private static void data(Path volume, String token) throws IOException {
        Files.writeString(
                Files.createDirectory(volume.resolve(".." + token)).resolve("token"), token);
    }

    private static Mount.Builder mount(String in, Path from) {
        return Mount.newBuilder().setContainerPath(in).setHostPath(from.toString());
    }
}
