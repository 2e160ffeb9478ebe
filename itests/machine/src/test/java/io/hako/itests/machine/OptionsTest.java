// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;

/** What the options of {@code run} and {@code exec} mean inside: one container has them all. */
public class OptionsTest {
    @ClassRule public static final Node NODE = new Node();

    private static final long MEMORY = 256L << 20;
    private static Path shared;
    private static Path shown;
    private static Path single;
    private static String id;

    @BeforeClass
    public static void aContainerWithAllOptions() throws IOException {
        shared = Files.createDirectory(NODE.state().resolve("shared"));
        shown = Files.createDirectory(NODE.state().resolve("shown"));
        single = Files.writeString(NODE.state().resolve("single"), "one file\n");
        Files.writeString(shared.resolve("from-host"), "hello\n");
        Files.writeString(shown.resolve("fixed"), "as it was\n");
        for (Path open : new Path[] {shared, shown}) {
            Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
        }
        id =
                NODE.succeed(
                                "run",
                                "-d",
                                "--name",
                                "optioned",
                                "-e",
                                "MODE=fast",
                                "-w",
                                "/tmp",
                                "-u",
                                "1000:1000",
                                "-m",
                                "256M",
                                "--cpus",
                                "2",
                                "--network",
                                "none",
                                "-v",
                                shared + ":/data",
                                "-v",
                                shown + ":/fixed:ro",
                                "-v",
                                single + ":/etc/single",
                                "demo",
                                "sh",
                                "-c",
                                "echo x > /dev/stdout; exec sleep 600")
                        .line();
    }

    @Test
    public void environmentDirectoryAndUser() {
        assertEquals("fast /tmp 1000 1000", inside("echo $MODE $(pwd) $(id -u) $(id -g)"));
        assertEquals(
                "slow / 0 7 kept",
                NODE.succeed(
                                "exec",
                                "-u",
                                "0:7",
                                "-w",
                                "/",
                                "-e",
                                "MODE=slow",
                                "-e",
                                "MORE=kept",
                                "optioned",
                                "sh",
                                "-c",
                                "echo $MODE $(pwd) $(id -u) $(id -g) $MORE")
                        .line());
    }

    @Test
    public void aUserOtherThanRootWritesToItsOwnOutput() {
        Await.until(
                "the first line",
                Node.LIMIT,
                () -> NODE.hako("logs", id).text().equals("x\n"),
                NODE::logText);
        assertEquals("y", inside("echo y > /dev/stdout"));
    }

    @Test
    public void limitsSizeTheMachineAndTheContainer() {
        assertEquals("2", inside("nproc"));
        assertEquals(Long.toString(MEMORY), inside("cat /sys/fs/cgroup/memory.max"));
        assertEquals("200000 100000", inside("cat /sys/fs/cgroup/cpu.max"));
        long total = 1024 * Long.parseLong(inside("awk '/MemTotal/ {print $2}' /proc/meminfo"));
        assertTrue("the guest has what the container may use: " + total, total >= MEMORY);
        assertTrue("and not much more for itself: " + total, total < MEMORY + (96L << 20));
    }

    @Test
    public void exitCodesOfExec() {
        for (int code : new int[] {0, 1, 42, 255}) {
            assertEquals(code, NODE.hako("exec", id, "sh", "-c", "exit " + code).exit());
        }
        assertEquals(137, NODE.hako("exec", id, "sh", "-c", "kill -9 $$").exit());
        refused(126, "Command cannot be executed: /etc/passwd", "/etc/passwd");
        refused(127, "Command not found: no-such-command", "no-such-command");
    }

    private static void refused(int exit, String sentence, String command) {
        Result result = NODE.hako("exec", id, command);
        assertEquals(result.toString(), exit, result.exit());
        assertTrue(result.err(), result.err().startsWith("hako: " + sentence));
        assertEquals(result.err(), 1, result.err().lines().count());
    }

    @Test
    public void aDirectoryIsSharedBothWays() throws IOException {
        assertEquals("hello", inside("cat /data/from-host; echo from guest > /data/from-guest"));

        assertEquals("from guest\n", Files.readString(shared.resolve("from-guest")));
        assertEquals(1000, Files.getAttribute(shared.resolve("from-guest"), "unix:uid"));
        Files.writeString(shared.resolve("later"), "afterwards\n");
        assertEquals("afterwards", inside("cat /data/later"));
    }

    @Test
    public void whatIsReadOnlyRefusesWritesEvenOfRoot() throws IOException {
        Result refused =
                NODE.hako(
                        "exec",
                        "-u",
                        "0",
                        id,
                        "sh",
                        "-c",
                        "cat /fixed/fixed; echo z > /fixed/new; rm /fixed/fixed; mount -o remount,rw /fixed; true");

        assertEquals("as it was", refused.line());
        assertEquals(refused.err(), 2, refused.err().split("Read-only file system", -1).length - 1);
        assertEquals("as it was\n", Files.readString(shown.resolve("fixed")));
        assertEquals(1, shown.toFile().list().length);
    }

    @Test
    public void aSingleFileIsShared() throws IOException {
        NODE.succeed(
                "exec",
                "-u",
                "0",
                id,
                "sh",
                "-c",
                "cat /etc/single > /tmp/copy; echo changed > /etc/single");

        assertEquals("changed\n", Files.readString(single));
        assertEquals("one file", inside("cat /tmp/copy"));
    }

    @Test
    public void withoutANetworkThereIsOnlyTheLoopback() {
        assertEquals("lo", inside("ls /sys/class/net"));
        assertEquals("", inside("cat /proc/net/route | tail -n +2"));
    }

    private static String inside(String script) {
        return NODE.succeed("exec", id, "sh", "-c", script).line();
    }
}
