// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.observability.Durations;
import io.hako.observability.EventLog;
import io.hako.observability.MetricsText;
import io.hako.observability.MetricsText.Sample;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The figures of this node and its pods, measured when they are asked for. What is counted is
 * counted from the daemon's start on.
 */
final class NodeMetrics {
    private final Operations operations;
    private final EventLog events;

    NodeMetrics(Operations operations, EventLog events) {
        this.operations = operations;
        this.events = events;
    }

    /** In Prometheus' text format. */
    String text() {
        MetricsText text = new MetricsText();
        daemon(text);
        counted(text);
        drivers(text);
        new PodMetrics(operations).add(text);
        return text.toString();
    }

    private void daemon(MetricsText text) {
        Operations.DaemonVersion version = operations.version();
        text.gauge(
                "hako_build_info",
                "Which hakod this is.",
                List.of(
                        Sample.of(
                                1,
                                "version",
                                version.daemon(),
                                "runtime_api",
                                version.runtimeApi())));
        text.gauge(
                "hako_daemon_start_time_seconds",
                "When this hakod began, since the epoch.",
                List.of(Sample.of(version.started().toEpochMilli() / 1000.0)));
        text.counter(
                "hako_daemon_starts_total",
                "Starts of hakod since the host booted.",
                List.of(Sample.of(version.epoch())));
        DaemonFigures own = DaemonFigures.now();
        text.gauge(
                "hako_daemon_resident_memory_bytes",
                "Resident memory of hakod.",
                List.of(Sample.of(own.resident())));
        text.gauge(
                "hako_daemon_heap_used_bytes",
                "Java heap in use.",
                List.of(Sample.of(own.heapUsed())));
        text.gauge(
                "hako_daemon_heap_committed_bytes",
                "Java heap taken from the host.",
                List.of(Sample.of(own.heapCommitted())));
        text.gauge(
                "hako_daemon_threads",
                "Threads that the host's kernel knows; virtual threads are not among them.",
                List.of(Sample.of(own.threads())));
        text.counter(
                "hako_daemon_cpu_seconds_total",
                "Processor time of hakod.",
                List.of(Sample.of(own.cpu().toNanos() / 1e9)));
    }

    private void counted(MetricsText text) {
        Map<String, Map<String, Durations>> counts = events.counts();
        text.counter(
                "hako_pod_starts_total",
                "Pods whose machine was started, by how that went.",
                List.of(
                        Sample.of(count(counts, "pod", "start"), "result", "started"),
                        Sample.of(count(counts, "pod", "start-failed"), "result", "failed")));
        text.histogram(
                "hako_pod_start_duration_seconds",
                "From a pod's Create until its first container is created.",
                durations(counts, "pod", "start"));
        text.counter(
                "hako_pod_adoptions_total",
                "Pods of an earlier hakod, by what became of them.",
                List.of(
                        Sample.of(count(counts, "pod", "adopt"), "result", "adopted"),
                        Sample.of(count(counts, "pod", "quarantine"), "result", "quarantined")));
        text.counter(
                "hako_pod_removals_total",
                "Pods of which nothing is left.",
                List.of(Sample.of(count(counts, "pod", "remove"))));
        text.counter(
                "hako_pod_removal_failures_total",
                "Attempts to remove a pod that failed and are made again.",
                List.of(Sample.of(count(counts, "pod", "remove-retry"))));
        text.counter(
                "hako_machine_deaths_total",
                "Machines that ended other than by request.",
                List.of(Sample.of(count(counts, "machine", "die"))));
        text.counter(
                "hako_guest_panics_total",
                "Panics of guests' kernels.",
                List.of(Sample.of(count(counts, "driver", "guest-panicked"))));
        text.counter(
                "hako_container_oom_events_total",
                "Times that a container reached its limit of memory and lost a process.",
                List.of(Sample.of(count(counts, "container", "oom"))));
        text.counter(
                "hako_driver_swaps_total",
                "Swaps of drivers, by how they went.",
                List.of(
                        Sample.of(count(counts, "driver", "swap"), "result", "swapped"),
                        Sample.of(count(counts, "driver", "swap-failed"), "result", "failed")));
        List<Sample> all = new ArrayList<>();
        counts.forEach(
                (type, kinds) ->
                        kinds.forEach(
                                (event, count) ->
                                        all.add(
                                                Sample.of(
                                                        count.count(),
                                                        "type",
                                                        type,
                                                        "event",
                                                        event))));
        text.counter("hako_events_total", "Events told, as hako events shows them.", all);
    }

    private static Durations durations(
            Map<String, Map<String, Durations>> counts, String type, String event) {
        return counts.getOrDefault(type, Map.of()).getOrDefault(event, Durations.NONE);
    }

    private static long count(
            Map<String, Map<String, Durations>> counts, String type, String event) {
        return durations(counts, type, event).count();
    }

    private void drivers(MetricsText text) {
        Map<String, Integer> handles = new LinkedHashMap<>();
        operations
                .plugins()
                .forEach(
                        view ->
                                handles.merge(
                                        view.driver().toString(), view.leases(), Integer::sum));
        text.gauge(
                "hako_driver_handles",
                "Handles that a driver holds open for pods.",
                handles.entrySet().stream()
                        .map(each -> Sample.of(each.getValue(), "driver", each.getKey()))
                        .toList());
        text.gauge(
                "hako_shim_links",
                "Shims that are linked with hakod.",
                List.of(Sample.of(operations.shimLinks())));
    }
}
