// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import static io.hako.guest.PlayedGuest.call;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.guest.proto.BlockStats;
import io.hako.guest.proto.ContainerStats;
import io.hako.guest.proto.StatsRequest;
import io.hako.guest.proto.StatsResponse;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.Rule;
import org.junit.Test;

/** What a guest says that its containers use. */
public class FiguresTest {
    @Rule public final PlayedGuest played = new PlayedGuest();

    @Test
    public void theKernelsOwnNamesAreKept() {
        ContainerStats stats =
                ContainerStats.newBuilder()
                        .setContainerId("web")
                        .setMemoryCurrent(1)
                        .setSwapLimit(2)
                        .putCpuStat("usage_usec", 3)
                        .putCpuStat("nr_throttled", 4)
                        .putMemoryStat("anon", 5)
                        .addBlock(BlockStats.newBuilder().setMajor(254).setWrittenBytes(6))
                        .build();
        tells(StatsResponse.newBuilder().addContainers(stats).setPod(stats));
        GuestFigures figures = played.connect().stats(List.of(), call());
        CgroupFigures web = figures.containers().get("web");
        assertEquals(new CgroupFigures.Memory(1, 0, 0, 0, 2, 0), web.memory());
        assertEquals(
                Map.of("usage_usec", 3L, "user_usec", 0L, "system_usec", 0L, "nr_throttled", 4L),
                web.cpu());
        assertEquals(Map.of("anon", 5L, "inactive_file", 0L), web.memoryStat());
        assertEquals(List.of(new CgroupFigures.Disk(254, 0, 0, 6, 0, 0)), web.disks());
        assertEquals(Optional.of(web), figures.pod());
    }

    @Test
    public void anAgentOfTheVersionBeforeTellsWhatItKnows() {
        tells(
                StatsResponse.newBuilder()
                        .addContainers(
                                ContainerStats.newBuilder()
                                        .setContainerId("web")
                                        .setCpuUsageUs(7)
                                        .setMemoryInactiveFile(8)
                                        .setOomKills(9)));
        GuestFigures figures = played.connect().stats(List.of(), call());
        CgroupFigures web = figures.containers().get("web");
        assertEquals(7L, (long) web.cpu().get("usage_usec"));
        assertEquals(Map.of("inactive_file", 8L), web.memoryStat());
        assertEquals(Map.of("oom_kill", 9L), web.memoryEvents());
        assertEquals(Optional.empty(), figures.pod());
    }

    @Test
    public void figuresThatNoKernelTellsAreRefused() {
        refused(
                "figure is 18446744073709551615",
                ContainerStats.newBuilder().putMemoryStat("anon", -1));
        refused(
                "figure's name is a text of 3 characters",
                ContainerStats.newBuilder().putCpuStat("a\nb", 1));
        ContainerStats.Builder many = ContainerStats.newBuilder();
        for (int i = 0; i < 300; i++) {
            many.putMemoryEvents("event" + i, i);
        }
        refused("list of figures is one of 300, of which at most 256 are taken", many);
    }

    private void refused(String why, ContainerStats.Builder stats) {
        try (FakeAgent agent = tells(StatsResponse.newBuilder().addContainers(stats))) {
            DriverException refusal =
                    assertThrows(
                            DriverException.class, () -> played.connect().stats(List.of(), call()));
            assertEquals(FailureKind.INTERNAL, refusal.failure());
            assertEquals(
                    "The guest's agent is broken or malicious: its " + why + ".",
                    refusal.getMessage());
        }
    }

    private FakeAgent tells(StatsResponse.Builder answer) {
        StatsResponse told = answer.build();
        return played.serve(
                played.agentThat().add("Stats", StatsRequest.parser(), (request, context) -> told));
    }
}
