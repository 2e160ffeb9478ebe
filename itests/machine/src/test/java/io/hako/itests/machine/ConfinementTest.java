// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assume.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;

/**
 * The way out of a container into its guest is shut: devices, the agent, kernel interfaces. The
 * container sees the host's /usr, whose perl makes system calls that busybox has no command for.
 */
public class ConfinementTest {
    @ClassRule public static final Node NODE = new Node();

    private static final Path PERL = Path.of("/usr/bin/perl");
    private static final Path LOADER = Path.of("/lib64/ld-linux-x86-64.so.2");

    /** docker's fourteen, as /proc/PID/status shows them (capabilities(7) has the numbers). */
    private static final String CAPABILITIES = "00000000a80425fb";

    private static Path nodes;

    @BeforeClass
    public static void aContainer() throws IOException {
        nodes = Files.createDirectory(NODE.state().resolve("nodes"));
        NODE.succeed(
                "run",
                "-d",
                "--name",
                "held",
                "-v",
                "/usr:/usr:ro",
                "-v",
                LOADER.toRealPath() + ":" + LOADER + ":ro",
                "-v",
                nodes + ":/nodes",
                "demo",
                "sleep",
                "600");
    }

    @Test
    public void capabilitiesAndFilterAreDockersDefault() {
        for (String process : new String[] {"self", "1"}) {
            String status =
                    inside(
                            "grep -E '^(Cap(Inh|Prm|Eff|Bnd|Amb)|Seccomp|NoNewPrivs):' /proc/"
                                    + process
                                    + "/status");

            assertEquals(
                    """
                    CapInh:	0000000000000000
                    CapPrm:	%1$s
                    CapEff:	%1$s
                    CapBnd:	%1$s
                    CapAmb:	0000000000000000
                    NoNewPrivs:	0
                    Seccomp:	2"""
                            .formatted(CAPABILITIES),
                    status);
        }
    }

    @Test
    public void theAgentsPortsAndTheDisksCannotBeMade() {
        for (String device :
                new String[] {"c " + number(port()), "b " + number(disk()), "c 1 1", "c 1 11"}) {
            Result refused = hold("mknod /tmp/node " + device);

            assertEquals(device, 1, refused.exit());
            assertTrue(
                    device + ": " + refused.err(),
                    refused.err().contains("Operation not permitted"));
        }
    }

    /** A node that comes from elsewhere, here from the host by a volume, opens nothing. */
    @Test
    public void theAgentsPortsAndTheDisksCannotBeOpened() {
        makeNode("port", "c", port());
        makeNode("disk", "b", disk());
        makeNode("memory", "c", "1:1");
        makeNode("zero", "c", "1:5");

        for (String node : new String[] {"port", "disk", "memory"}) {
            for (String access : new String[] {"<", ">>"}) {
                Result refused = hold("true " + access + " /nodes/" + node);
                assertTrue(
                        node + access + refused, refused.err().contains("Operation not permitted"));
            }
        }
        assertEquals("1", inside("head -c 1 /nodes/zero | wc -c"));
    }

    @Test
    public void theAgentIsNotThereForAContainer() {
        assertEquals("no port under /dev", "", inside("find /dev -name 'vport*' -o -name 'hako*'"));
        assertEquals("nothing of the agent's run directory", "", inside("ls -A /run"));
        assertEquals(
                "its first process is the container's",
                "sleep 600",
                inside("tr '\\0' ' ' < /proc/1/cmdline"));
        assertEquals(
                "the agent's kind of channel",
                "Address family not supported by protocol",
                perl("socket(my $s, 40, 1, 0) and print 'made' or print $!"));
    }

    @Test
    public void theKernelsOwnInterfacesAreShut() {
        assertTrue(hold("echo c > /proc/sysrq-trigger").err().contains("Read-only file system"));
        assertTrue(hold("echo 1 > /proc/sys/kernel/panic").err().contains("Read-only file system"));
        assertTrue(
                hold("echo 0 > /sys/fs/cgroup/cgroup.procs")
                        .err()
                        .contains("Read-only file system"));
        assertTrue(
                hold("mount -t tmpfs none /tmp").err().contains("Operation not permitted")
                        || hold("mount -t tmpfs none /tmp").err().contains("permission denied"));
        assertEquals("nothing of kernel memory", "0", inside("head -c 1 /proc/kcore | wc -c"));
        assertTrue(hold("dmesg").err().contains("Operation not permitted"));
    }

    /**
     * By number (x86-64): unshare and clone with CLONE_NEWUSER, setns, keyctl, bpf,
     * perf_event_open, init_module.
     */
    @Test
    public void callsThatLeadOutAreFiltered() {
        assumeTrue("perl is there", Files.isExecutable(PERL));
        String[] calls = {
            "272, 0x10000000",
            "308, 0, 0",
            "250, 0, -3, 0",
            "321, 0, 0, 0",
            "298, 0, 0, -1, -1, 0",
            "175, 0, 0, 0"
        };
        for (String call : calls) {
            assertEquals(
                    call,
                    "Operation not permitted",
                    perl("syscall(" + call + ") == -1 and print $!"));
        }
        assertEquals(
                "a new user namespace",
                "refused",
                perl("my $p = syscall(56, 0x10000011, 0, 0, 0, 0); print 'refused' if $p == -1"));
        assertEquals(
                "but a fork works",
                "7",
                perl("my $p = fork(); exit 7 if !$p; waitpid $p, 0; print $? >> 8"));
    }

    private static String port() {
        return inside(
                "grep -l hako.control /sys/class/virtio-ports/*/name | xargs dirname | sed 's/$/\\/dev/' | xargs cat");
    }

    /** What a first virtio disk would have: its driver's number in the guest. */
    private static String disk() {
        return inside("sed -n 's/ *\\([0-9]*\\) virtblk/\\1/p' /proc/devices") + ":0";
    }

    private static String number(String device) {
        return device.replace(':', ' ');
    }

    private static void makeNode(String name, String kind, String device) {
        String[] numbers = device.split(":");
        NODE.program("mknod", nodes.resolve(name).toString(), kind, numbers[0], numbers[1]);
    }

    private static String perl(String program) {
        return NODE.succeed("exec", "held", "perl", "-e", program).line();
    }

    private static Result hold(String script) {
        return NODE.hako("exec", "held", "sh", "-c", script);
    }

    private static String inside(String script) {
        return NODE.succeed("exec", "held", "sh", "-c", script).line();
    }
}
