// SPDX-License-Identifier: Apache-2.0
package io.hako.state;

import io.hako.api.types.OwnerId;
import java.time.Instant;
import java.util.List;

/** A sandbox's life, with every type of entry in it. */
final class Samples {
    static final OwnerId OWNER = new OwnerId("hako", "web");
    static final Entry.Sandbox SANDBOX =
            new Entry.Sandbox(
                    Entry.SCHEMA,
                    "hako",
                    "web",
                    "/run/hako/bundles/web",
                    "c0ffee",
                    Instant.parse("2026-11-23T20:30:00.123456789Z"));

    private Samples() {}

    static List<Entry> life() {
        return List.of(
                new Entry.Request("c0ffee:1:1", "Create"),
                new Entry.Container(
                        "web",
                        "/run/hako/bundles/web",
                        "shop",
                        "demo",
                        List.of("sh", "-c", "echo \"ä\u2028\""),
                        true),
                new Entry.Planned(
                        268435456,
                        201326592,
                        1,
                        List.of(new Entry.Setting("guest.cpus", "1", "default")),
                        new Entry.Room(
                                268435456,
                                201326592,
                                1,
                                4294967296L,
                                4,
                                201326592,
                                List.of(new Entry.Limit("web", 1048576, 1500)))),
                new Entry.Process(
                        "web", "", false, "", "/f/out", "/f/err", 0, Long.MIN_VALUE, 7, ""),
                new Entry.Begin("sandbox", "cgroup", "/hako/web", ""),
                new Entry.Done("sandbox", "cgroup", "/hako/web"),
                new Entry.Begin("hypervisor-0", "process", "vmm", ""),
                new Entry.Done("hypervisor-0", "process", "vmm"),
                new Entry.Handle("hypervisor-0", "hypervisor/qemu", 1, "{\"qmp\":\"/q\"}", "{}"),
                new Entry.Step("vmm", 1234567),
                new Entry.Machine(MachinePhase.RUNNING, 4711, ""),
                new Entry.Moved("web", "", ProcessPhase.CREATED),
                new Entry.Answered("c0ffee:1:1", "", "{\"pid\":4711}"),
                new Entry.Moved("web", "", ProcessPhase.RUNNING),
                new Entry.Request("c0ffee:2:1", "Exec"),
                new Entry.Process(
                        "web",
                        "probe",
                        true,
                        "/f/in",
                        "/f/out2",
                        "",
                        3,
                        4,
                        0,
                        "{\"args\":[\"true\"]}"),
                new Entry.Answered("c0ffee:2:1", "NOT_FOUND", "There is no such thing."),
                new Entry.Moved("web", "probe", ProcessPhase.RUNNING),
                new Entry.Exited("web", "probe", 42, Instant.parse("2026-11-23T20:31:00Z"), ""),
                new Entry.Deleted("web", "probe"),
                new Entry.Exited(
                        "web",
                        "",
                        137,
                        Instant.parse("2026-11-23T20:32:00Z"),
                        "The virtual machine was killed."),
                new Entry.Machine(MachinePhase.STOPPING, 4711, ""),
                new Entry.Undone("hypervisor-0", "process", "vmm"),
                new Entry.HandleGone("hypervisor-0"),
                new Entry.Machine(MachinePhase.OFF, 4711, "The virtual machine was killed."),
                new Entry.Deleted("web", ""));
    }
}
