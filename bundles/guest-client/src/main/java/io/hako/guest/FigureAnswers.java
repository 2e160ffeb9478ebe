// SPDX-License-Identifier: Apache-2.0
package io.hako.guest;

import io.hako.guest.proto.BlockStats;
import io.hako.guest.proto.ContainerStats;
import io.hako.guest.proto.HugepageStats;
import io.hako.guest.proto.StatsResponse;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The agent's figures as records, checked like its other answers. */
final class FigureAnswers {
    private static final int MOST_CONTAINERS = 1_024;

    /** Lines of memory.stat are some sixty; disks and page sizes are few. */
    private static final int MOST_VALUES = 256;

    private FigureAnswers() {}

    static GuestFigures figures(StatsResponse answer) {
        Answers.count("containers", answer.getContainersCount(), MOST_CONTAINERS);
        return new GuestFigures(
                Answers.figure(answer.getAgentAnonymousBytes()),
                Answers.figure(answer.getAgentPssBytes()),
                Answers.figure(answer.getMemoryTotalBytes()),
                Answers.figure(answer.getMemoryAvailableBytes()),
                containers(answer),
                answer.hasPod() ? Optional.of(figures(answer.getPod())) : Optional.empty());
    }

    private static Map<String, CgroupFigures> containers(StatsResponse answer) {
        Map<String, CgroupFigures> containers = new HashMap<>();
        for (ContainerStats stats : answer.getContainersList()) {
            containers.put(Answers.name("container id", stats.getContainerId()), figures(stats));
        }
        return containers;
    }

    /** An agent of the version before tells the most important figures alone. */
    private static CgroupFigures figures(ContainerStats stats) {
        Answers.count("disks", stats.getBlockCount(), MOST_VALUES);
        Answers.count("page sizes", stats.getHugepagesCount(), MOST_VALUES);
        return new CgroupFigures(
                memory(stats),
                values(
                        stats.getCpuStatMap(),
                        Map.of(
                                "usage_usec", stats.getCpuUsageUs(),
                                "user_usec", stats.getCpuUserUs(),
                                "system_usec", stats.getCpuSystemUs())),
                values(
                        stats.getMemoryStatMap(),
                        Map.of("inactive_file", stats.getMemoryInactiveFile())),
                values(stats.getMemoryEventsMap(), Map.of("oom_kill", stats.getOomKills())),
                Answers.figure(stats.getPidsCurrent()),
                Answers.figure(stats.getPidsLimit()),
                stats.getBlockList().stream().map(FigureAnswers::disk).toList(),
                stats.getHugepagesList().stream().map(FigureAnswers::pages).toList());
    }

    private static CgroupFigures.Memory memory(ContainerStats stats) {
        return new CgroupFigures.Memory(
                Answers.figure(stats.getMemoryCurrent()),
                Answers.figure(stats.getMemoryLimit()),
                Answers.figure(stats.getMemoryPeak()),
                Answers.figure(stats.getSwapCurrent()),
                Answers.figure(stats.getSwapLimit()),
                Answers.figure(stats.getSwapPeak()));
    }

    private static Map<String, Long> values(Map<String, Long> told, Map<String, Long> least) {
        Answers.count("figures", told.size(), MOST_VALUES);
        Map<String, Long> all = new HashMap<>(least);
        told.forEach((name, value) -> all.put(Answers.name("figure's name", name), value));
        all.values().forEach(Answers::figure);
        return all;
    }

    private static CgroupFigures.Disk disk(BlockStats disk) {
        return new CgroupFigures.Disk(
                Answers.number("device number", disk.getMajor(), 0, Integer.MAX_VALUE),
                Answers.number("device number", disk.getMinor(), 0, Integer.MAX_VALUE),
                Answers.figure(disk.getReadBytes()),
                Answers.figure(disk.getWrittenBytes()),
                Answers.figure(disk.getReads()),
                Answers.figure(disk.getWrites()));
    }

    private static CgroupFigures.HugePages pages(HugepageStats pages) {
        return new CgroupFigures.HugePages(
                Answers.name("page size", pages.getPageSize()),
                Answers.figure(pages.getCurrent()),
                Answers.figure(pages.getLimit()));
    }
}
