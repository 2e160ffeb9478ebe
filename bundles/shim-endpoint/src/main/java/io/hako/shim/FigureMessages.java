// SPDX-License-Identifier: Apache-2.0
package io.hako.shim;

import com.google.protobuf.Any;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.hako.guest.CgroupFigures;
import io.hako.shim.proto.CPUStat;
import io.hako.shim.proto.HugeTlbStat;
import io.hako.shim.proto.IOEntry;
import io.hako.shim.proto.IOStat;
import io.hako.shim.proto.MemoryEvents;
import io.hako.shim.proto.MemoryStat;
import io.hako.shim.proto.Metrics;
import io.hako.shim.proto.PidsStat;
import java.util.Map;

/** Figures as containerd reads them out of a cgroup v2 itself (cgroups, cgroup2/manager.go). */
final class FigureMessages {
    private static final String METRICS = "io.containerd.cgroups.v2.Metrics";

    /** "max", as an unsigned number. */
    private static final long UNLIMITED = -1;

    private FigureMessages() {}

    static Any metrics(CgroupFigures figures) {
        Metrics metrics =
                Metrics.newBuilder()
                        .setPids(
                                PidsStat.newBuilder()
                                        .setCurrent(figures.pids())
                                        .setLimit(limit(figures.pidsLimit())))
                        .setCpu(filled(CPUStat.newBuilder(), figures.cpu()))
                        .setMemory(memory(figures))
                        .setMemoryEvents(filled(MemoryEvents.newBuilder(), figures.memoryEvents()))
                        .setIo(disks(figures))
                        .addAllHugetlb(
                                figures.hugePages().stream().map(FigureMessages::pages).toList())
                        .build();
        return Any.newBuilder().setTypeUrl(METRICS).setValue(metrics.toByteString()).build();
    }

    private static MemoryStat.Builder memory(CgroupFigures figures) {
        CgroupFigures.Memory memory = figures.memory();
        return filled(MemoryStat.newBuilder(), figures.memoryStat())
                .setUsage(memory.current())
                .setUsageLimit(limit(memory.limit()))
                .setMaxUsage(memory.peak())
                .setSwapUsage(memory.swapCurrent())
                .setSwapLimit(limit(memory.swapLimit()))
                .setSwapMaxUsage(memory.swapPeak());
    }

    private static IOStat disks(CgroupFigures figures) {
        IOStat.Builder all = IOStat.newBuilder();
        for (CgroupFigures.Disk disk : figures.disks()) {
            all.addUsage(
                    IOEntry.newBuilder()
                            .setMajor(disk.major())
                            .setMinor(disk.minor())
                            .setRbytes(disk.bytesRead())
                            .setWbytes(disk.bytesWritten())
                            .setRios(disk.reads())
                            .setWios(disk.writes()));
        }
        return all.build();
    }

    private static HugeTlbStat pages(CgroupFigures.HugePages pages) {
        return HugeTlbStat.newBuilder()
                .setPagesize(pages.size())
                .setCurrent(pages.current())
                .setMax(limit(pages.limit()))
                .build();
    }

    private static long limit(long limit) {
        return limit == 0 ? UNLIMITED : limit;
    }

    /** Those fields that have a value of their name. */
    private static <B extends Message.Builder> B filled(B message, Map<String, Long> values) {
        for (FieldDescriptor field : message.getDescriptorForType().getFields()) {
            if (values.containsKey(field.getName())) {
                message.setField(field, values.get(field.getName()));
            }
        }
        return message;
    }
}
