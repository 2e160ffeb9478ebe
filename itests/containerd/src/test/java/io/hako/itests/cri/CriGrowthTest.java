// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.grpc.StatusRuntimeException;
import io.hako.itests.cri.api.LinuxContainerConfig;
import io.hako.itests.cri.api.LinuxContainerResources;
import io.hako.itests.machine.Await;
import io.hako.itests.machine.Node;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/** Pods whose size nobody tells beforehand, as CRI-O's are; their machines grow. */
public class CriGrowthTest {
    private static final Node NODE = new Node();
    private static final NodeNetwork NETWORK = new NodeNetwork(NODE);
    private static final CriServer SERVER = new CriServer(NODE, NETWORK);

    @ClassRule
    public static final RuleChain RULES = RuleChain.outerRule(NODE).around(NETWORK).around(SERVER);

    private static final long MIB = 1L << 20;

    @Test
    public void aMachineGrowsForItsContainersAndTheirNewLimits() {
        CriPod pod = CriPod.run(SERVER, "grows");
        CriContainer small = start(pod, "small", memory(64));
        long atFirst = memory(small);
        CriContainer big = start(pod, "big", memory(400));
        // Both have their limits, of which the machine had 192 MiB from the start.
        assertTrue(memory(small) + " B", memory(small) >= atFirst + (64 + 400 - 192) * MIB);
        use(big, 350);

        big.update(memory(640).setCpuPeriod(100_000).setCpuQuota(200_000));
        use(big, 560);
        assertEquals("2", big.sh("nproc"));
        assertEquals("as the host is told", memory(small), overhead(pod));

        StatusRuntimeException refused =
                assertThrows(StatusRuntimeException.class, () -> big.update(memory(5000)));
        assertTrue(
                refused.getMessage(),
                refused.getMessage()
                        .contains("5000 MiB of memory: its virtual machine can grow to 4 GiB"));

        NODE.killDaemon();
        NODE.startDaemon();
        long grown = memory(small);
        big.update(memory(816));
        assertTrue(memory(small) + " B", memory(small) >= grown + 176 * MIB);
        big.update(memory(64));
        Await.until(
                "the machine to give memory back",
                CriServer.LIMIT,
                () -> memory(small) < grown,
                () -> memory(small) + " B\n" + SERVER.log());
        pod.close();
        SERVER.nothingLeft();
    }

    @Test
    public void whatNumbersTheHostsProcessorsIsNotForTheGuest() {
        CriPod pod = CriPod.run(SERVER, "pinned");
        CriContainer pinned =
                start(pod, "pinned", memory(64).setCpusetCpus("5").setCpusetMems("1"));
        assertEquals("1", pinned.sh("nproc"));
        pinned.update(memory(96).setCpusetCpus("3-7"));
        assertEquals(Long.toString(96 * MIB), pinned.sh("cat /sys/fs/cgroup/memory.max"));
        pod.close();
        SERVER.nothingLeft();
    }

    private static CriContainer start(
            CriPod pod, String name, LinuxContainerResources.Builder limits) {
        return pod.start(
                CriPod.container(name, "sleep", "1000")
                        .setLinux(LinuxContainerConfig.newBuilder().setResources(limits)));
    }

    private static LinuxContainerResources.Builder memory(long mebibytes) {
        return LinuxContainerResources.newBuilder().setMemoryLimitInBytes(mebibytes * MIB);
    }

    /** The machine's, in bytes, as its kernel counts it. */
    private static long memory(CriContainer container) {
        String kibibytes = container.sh("grep MemTotal /proc/meminfo").replaceAll("\\D+", "");
        return Long.parseLong(kibibytes) << 10;
    }

    /** The machine's, as {@code hako overhead} tells it. */
    private static long overhead(CriPod pod) {
        String told =
                NODE.succeed("overhead", "--format", "json", pod.id().getPodSandboxId()).text();
        Matcher total = Pattern.compile("\"guest_memory_total_bytes\": *(\\d+)").matcher(told);
        assertTrue(told, total.find());
        return Long.parseLong(total.group(1));
    }

    /** Fills so many mebibytes at once. */
    private static void use(CriContainer container, int mebibytes) {
        container.sh("dd if=/dev/zero of=/dev/null count=1 bs=" + mebibytes + "M");
    }
}
