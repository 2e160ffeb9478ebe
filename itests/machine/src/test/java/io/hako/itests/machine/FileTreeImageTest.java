// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * A plain tree as the image: owners, modes and file capabilities mean in the guest what they mean
 * on the host.
 */
public class FileTreeImageTest {
    @ClassRule public static final Node NODE = new Node();

    /**
     * struct vfs_cap_data (linux/capability.h): version 2, effective; CAP_CHOWN (0) and CAP_NET_RAW
     * (13) permitted.
     */
    private static final String CAPABILITIES = "0100000201200000000000000000000000000000";

    @Test
    public void ownersModesAndFileCapabilitiesAreKept() throws IOException {
        Path tree = tree();

        Result seen =
                NODE.succeed(
                        "run",
                        "--rm",
                        "-u",
                        "1000:1000",
                        "rootfs:" + tree,
                        "/bin/sh",
                        "-c",
                        """
                /bin/busybox stat -c '%n %a %u %g' /srv/odd /srv /raised/id
                /bin/grep CapEff /proc/self/status
                /capable/grep CapEff /proc/self/status
                echo written > /open/file""");

        assertEquals(
                """
                /srv/odd 2640 12 34
                /srv 750 1000 0
                /raised/id 4755 0 0
                CapEff:	0000000000000000
                CapEff:	0000000000002001
                """,
                seen.text());
        assertEquals(
                "the tree itself is never written to",
                0,
                tree.resolve("open").toFile().list().length);
        NODE.nothingLeft();
    }

    private static Path tree() throws IOException {
        Path tree = Files.createDirectory(NODE.state().resolve("tree"));
        for (String folder :
                new String[] {"bin", "dev", "proc", "sys", "srv", "raised", "capable", "open"}) {
            Files.createDirectory(tree.resolve(folder));
        }
        for (String program :
                new String[] {"bin/busybox", "bin/sh", "bin/grep", "raised/id", "capable/grep"}) {
            Files.copy(
                    Path.of("/bin/busybox"),
                    tree.resolve(program),
                    StandardCopyOption.COPY_ATTRIBUTES);
        }
        Files.writeString(tree.resolve("srv/odd"), "odd\n");
        owns(tree.resolve("srv/odd"), 12, 34, 02640);
        owns(tree.resolve("srv"), 1000, 0, 0750);
        owns(tree.resolve("raised/id"), 0, 0, 04755);
        owns(tree.resolve("open"), 1000, 0, 0700);
        NODE.program(
                "python3",
                "-c",
                "import os, sys; os.setxattr(sys.argv[1], 'security.capability', bytes.fromhex(sys.argv[2]))",
                tree.resolve("capable/grep").toString(),
                CAPABILITIES);
        return tree;
    }

    private static void owns(Path file, int user, int group, int mode) throws IOException {
        Files.setAttribute(file, "unix:uid", user);
        Files.setAttribute(file, "unix:gid", group);
        Files.setAttribute(file, "unix:mode", mode);
    }
}
