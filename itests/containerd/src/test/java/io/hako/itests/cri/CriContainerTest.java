// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.cri;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import io.grpc.StatusRuntimeException;
import io.hako.itests.cri.api.ContainerConfig;
import io.hako.itests.cri.api.ContainerStats;
import io.hako.itests.cri.api.ContainerStatus;
import io.hako.itests.cri.api.LinuxContainerResources;
import io.hako.itests.machine.Node;
import java.time.Duration;
import org.junit.AfterClass;
import org.junit.BeforeClass;
import org.junit.ClassRule;
import org.junit.Test;
import org.junit.rules.RuleChain;

/** Containers of one pod: how they end, what they use, what they may use. */
public class CriContainerTest {
    private static final Node NODE = new Node();
    private static final NodeNetwork NETWORK = new NodeNetwork(NODE);
    private static final CriServer SERVER = new CriServer(NODE, NETWORK);
    private static final long MIB = 1 << 20;

    @ClassRule
    public static final RuleChain RULES = RuleChain.outerRule(NODE).around(NETWORK).around(SERVER);

    private static CriPod pod;

    @BeforeClass
    public static void runPod() {
        pod = CriPod.run(SERVER, "containers");
    }

    @AfterClass
    public static void removePod() {
        pod.close();
        SERVER.nothingLeft();
    }

    @Test
    public void aFailedContainersExitCodeIsTold() {
        ContainerStatus ended = pod.start(CriPod.container("fails", "sh", "-c", "exit 3")).ended();

        assertEquals("3 Error", ended.getExitCode() + " " + ended.getReason());
    }

    @Test
    public void aContainerThatSucceedsIsCompleted() {
        ContainerStatus ended = pod.start(CriPod.container("succeeds", "true")).ended();

        assertEquals("0 Completed", ended.getExitCode() + " " + ended.getReason());
    }

    @Test
    public void aContainerWithoutMemoryIsOomKilled() {
        ContainerStatus ended = pod.start(limited("oom", 32 * MIB, "tail", "/dev/zero")).ended();

        assertEquals("137 OOMKilled", ended.getExitCode() + " " + ended.getReason());
    }

    @Test
    public void whoIgnoresSigtermIsKilledAfterItsGrace() {
        // As the first process of its namespace it does not die of what it has no handler for.
        CriContainer stubborn = pod.start(CriPod.container("stubborn", "sleep", "1000"));
        stubborn.stop(1);

        assertEquals(137, stubborn.status().getExitCode());
    }

    @Test
    public void aCommandThatDoesNotExistIsRefusedAtOnce() {
        CriContainer container = pod.start(CriPod.container("exec", "sleep", "1000"));
        long begin = System.nanoTime();
        StatusRuntimeException refused =
                assertThrows(StatusRuntimeException.class, () -> container.exec("nosuch"));

        assertTrue(refused.toString(), refused.getMessage().contains("Command not found: nosuch"));
        Duration took = Duration.ofNanos(System.nanoTime() - begin);
        assertTrue(took.toString(), took.compareTo(Duration.ofSeconds(10)) < 0);
        assertEquals("5 out\nerr\n", answer(container, "echo out; echo err >&2; exit 5"));
    }

    private static String answer(CriContainer container, String script) {
        var answer = container.exec("sh", "-c", script);
        return answer.getExitCode()
                + " "
                + answer.getStdout().toStringUtf8()
                + answer.getStderr().toStringUtf8();
    }

    @Test
    public void aStartOfWhatDoesNotExistFailsWithTheCommand() {
        CriContainer container = pod.create(CriPod.container("nosuch", "nosuch"));
        StatusRuntimeException refused =
                assertThrows(StatusRuntimeException.class, container::start);

        assertTrue(refused.toString(), refused.getMessage().contains("Command not found: nosuch"));
        assertEquals("StartError", container.status().getReason());
    }

    @Test
    public void whatItUsesIsTold() {
        CriContainer container =
                pod.start(
                        limited(
                                "uses",
                                128 * MIB,
                                "sh",
                                "-c",
                                "dd if=/dev/zero of=/dev/shm/held bs=1M count=20 2>/dev/null; echo held; sleep 1000"));
        container.awaitLog("held\n");
        ContainerStats stats = container.stats();

        long memory = stats.getMemory().getWorkingSetBytes().getValue();
        // The kernel sums up by and by what is cache, and so not in the working set (memcontrol.c).
        assertTrue(stats.toString(), memory >= 16 * MIB && memory < 64 * MIB);
        assertTrue(stats.toString(), stats.getCpu().getUsageCoreNanoSeconds().getValue() > 0);
        assertTrue(
                SERVER.client().listContainerStats().getStatsList().stream()
                        .anyMatch(
                                s ->
                                        s.getAttributes()
                                                .getId()
                                                .equals(container.id().getContainerId())));
        container.remove();
    }

    @Test
    public void limitsChangeWhileItRuns() {
        CriContainer container = pod.start(limited("limits", 64 * MIB, "sleep", "1000"));
        assertEquals(Long.toString(64 * MIB), container.sh("cat /sys/fs/cgroup/memory.max"));
        container.update(
                LinuxContainerResources.newBuilder()
                        .setMemoryLimitInBytes(96 * MIB)
                        .setCpuPeriod(100_000)
                        .setCpuQuota(50_000));

        assertEquals(Long.toString(96 * MIB), container.sh("cat /sys/fs/cgroup/memory.max"));
        assertEquals("50000 100000", container.sh("cat /sys/fs/cgroup/cpu.max"));
        StatusRuntimeException refused =
                assertThrows(
                        StatusRuntimeException.class,
                        () ->
                                container.update(
                                        LinuxContainerResources.newBuilder()
                                                .setMemoryLimitInBytes(1L << 40)));
        assertTrue(refused.toString(), refused.getMessage().contains("can grow to 4 GiB"));
    }

    private static ContainerConfig.Builder limited(String name, long memory, String... command) {
        ContainerConfig.Builder container = CriPod.container(name, command);
        container.getLinuxBuilder().getResourcesBuilder().setMemoryLimitInBytes(memory);
        return container;
    }
}
