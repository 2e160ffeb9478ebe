// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.api.driver.Finding;
import io.hako.api.types.OwnerId;
import io.hako.control.proto.Event;
import io.hako.control.proto.EventsResponse;
import io.hako.control.proto.OverheadResponse;
import io.hako.control.proto.Plugin;
import io.hako.control.proto.ProcessCost;
import io.hako.control.proto.Sandbox;
import io.hako.control.proto.Step;
import io.hako.control.proto.SwapPluginResponse;
import io.hako.control.proto.VersionResponse;
import io.hako.driverhost.DriverView;
import io.hako.driverhost.SwapReport;
import io.hako.observability.EventLog;
import io.hako.observability.Told;
import io.hako.sandbox.Overhead;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.SandboxView;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/** The daemon's records as messages of control.proto, and nothing else. */
final class Messages {
    private Messages() {}

    static VersionResponse version(Operations.DaemonVersion version) {
        return VersionResponse.newBuilder()
                .setDaemon(version.daemon())
                .setRuntimeApi(version.runtimeApi())
                .setPid((int) version.pid())
                .setEpoch(version.epoch())
                .setStartedNs(nanoseconds(version.started()))
                .build();
    }

    static Sandbox sandbox(SandboxView view) {
        return Sandbox.newBuilder()
                .setId(view.sandboxId())
                .setNamespace(view.namespace())
                .setName(view.name())
                .setImage(view.image())
                .setState(view.state().name().toLowerCase(Locale.ROOT))
                .setCreatedNs(nanoseconds(view.created()))
                .setVmmPid(view.vmmPid())
                .setExitStatus(view.exit().map(ProcessExit::status).orElse(0))
                .setCommand(String.join(" ", view.command()))
                .setHypervisor(view.drivers().getOrDefault("hypervisor", ""))
                .setNetwork(view.drivers().getOrDefault("network", ""))
                .setStorage(view.drivers().getOrDefault("storage", ""))
                .setReason(view.reason())
                .build();
    }

    static OverheadResponse overhead(Overhead overhead) {
        OverheadResponse.Builder answer =
                OverheadResponse.newBuilder()
                        .setAgentAnonymousBytes(overhead.agentAnonymous())
                        .setGuestMemoryTotalBytes(overhead.guestMemoryTotal())
                        .setGuestMemoryAvailableBytes(overhead.guestMemoryAvailable());
        overhead.processes()
                .forEach(
                        process ->
                                answer.addProcesses(
                                        ProcessCost.newBuilder()
                                                .setRole(process.role())
                                                .setPid(process.pid())
                                                .setPssBytes(process.pss())
                                                .setAnonymousBytes(process.anonymous())
                                                .setCpuMs(process.cpuMillis())));
        overhead.steps()
                .forEach(
                        step ->
                                answer.addStartSteps(
                                        Step.newBuilder()
                                                .setName(step.name())
                                                .setMilliseconds(step.milliseconds())));
        return answer.build();
    }

    static Plugin plugin(DriverView view) {
        return Plugin.newBuilder()
                .setKind(view.driver().kind().word())
                .setName(view.driver().name())
                .setBundle(view.bundle())
                .setVersion(view.version())
                .setBundleId(view.bundleId())
                .setState(view.serving() ? "serving" : view.state().toLowerCase(Locale.ROOT))
                .setLeases(view.leases())
                .addAllSandboxes(view.owners().stream().map(OwnerId::toString).toList())
                .build();
    }

    static SwapPluginResponse swapped(SwapReport report) {
        return SwapPluginResponse.newBuilder()
                .setMoved(report.moved())
                .setPinned(report.pinned())
                .setFailed(report.failed())
                .setMilliseconds(milliseconds(report.took()))
                .setFrom(report.from())
                .setTo(report.to())
                .setOldLoaderCollected(report.collected())
                .build();
    }

    static io.hako.control.proto.Finding finding(Finding finding) {
        return io.hako.control.proto.Finding.newBuilder()
                .setSubject(finding.subject())
                .setLevel(finding.level().name().toLowerCase(Locale.ROOT))
                .setSentence(finding.sentence())
                .setRemedy(finding.remedy())
                .build();
    }

    static EventsResponse events(EventLog.Batch batch) {
        return EventsResponse.newBuilder()
                .addAllEvents(batch.events().stream().map(Messages::event).toList())
                .setNext(batch.next())
                .setLost(batch.lost())
                .build();
    }

    private static Event event(Told told) {
        var event = told.event();
        Event.Builder message =
                Event.newBuilder()
                        .setNumber(told.number())
                        .setTimeNs(nanoseconds(told.at()))
                        .setType(event.subject().word())
                        .setEvent(event.action())
                        .setSandbox(event.sandbox().map(OwnerId::toString).orElse(""))
                        .setContainer(event.container())
                        .setProcess(event.process())
                        .setCause(event.cause())
                        .putAllDetails(event.details());
        event.took().ifPresent(took -> message.setMilliseconds(milliseconds(took)));
        return message.build();
    }

    static double milliseconds(Duration duration) {
        return duration.toNanos() / 1e6;
    }

    private static long nanoseconds(Instant instant) {
        return instant.getEpochSecond() * 1_000_000_000L + instant.getNano();
    }
}
