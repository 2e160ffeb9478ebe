// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.observability.Durations;
import io.hako.observability.EventLog;
import io.hako.observability.MetricsText;
import io.hako.observability.MetricsText.Sample;
import io.hako.sandbox.Overhead;
import io.hako.sandbox.SandboxView;
import io.hako.ttrpc.CallScope;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The figures of this node and its pods, measured when they are asked for. What is counted is
 * counted from the daemon's start on.
 */
final class NodeMetrics {
    /** With more pods than this only the first of them have figures of their own. */
    static final int MOST_PODS = 256;

    /** Prometheus gives a scrape ten seconds. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

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
        List<SandboxView> pods = operations.sandboxes();
        states(text, pods);
        costs(text, pods);
        return text.toString();
    }

    private void daemon(MetricsText text) {
        Operations.DaemonVersion version = operations.version();
        text.gauge(
                "hako_build_info",
                "Which hakod this is.",
                List.of(
                        sample(
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
                        sample(count(counts, "pod", "start"), "result", "started"),
                        sample(count(counts, "pod", "start-failed"), "result", "failed")));
        text.histogram(
                "hako_pod_start_duration_seconds",
                "From a pod's Create until its first container is created.",
                durations(counts, "pod", "start"));
        text.counter(
                "hako_pod_adoptions_total",
                "Pods of an earlier hakod, by what became of them.",
                List.of(
                        sample(count(counts, "pod", "adopt"), "result", "adopted"),
                        sample(count(counts, "pod", "quarantine"), "result", "quarantined")));
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
                        sample(count(counts, "driver", "swap"), "result", "swapped"),
                        sample(count(counts, "driver", "swap-failed"), "result", "failed")));
        List<Sample> all = new ArrayList<>();
        counts.forEach(
                (type, kinds) ->
                        kinds.forEach(
                                (event, count) ->
                                        all.add(
                                                sample(
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
                        .map(each -> sample(each.getValue(), "driver", each.getKey()))
                        .toList());
        text.gauge(
                "hako_shim_links",
                "Shims that are linked with hakod.",
                List.of(Sample.of(operations.shimLinks())));
    }

    private static void states(MetricsText text, List<SandboxView> pods) {
        text.gauge(
                "hako_pods",
                "Pods, by state.",
                Stream.of(SandboxView.State.values())
                        .map(
                                state ->
                                        sample(
                                                pods.stream()
                                                        .filter(p -> p.state() == state)
                                                        .count(),
                                                "state",
                                                state.name().toLowerCase(Locale.ROOT)))
                        .toList());
    }

    private void costs(MetricsText text, List<SandboxView> pods) {
        List<SandboxView> machines = pods.stream().filter(pod -> pod.vmmPid() != 0).toList();
        Map<SandboxView, Overhead> costs = measured(machines.stream().limit(MOST_PODS).toList());
        text.gauge(
                "hako_pods_unmeasured",
                "Pods with a machine that have no figures below: they did not answer in time, or are more than 256.",
                List.of(Sample.of(machines.size() - costs.size())));
        processes(
                text::gauge,
                "hako_pod_process_memory_bytes",
                "Proportional set size of a process that serves a pod.",
                costs,
                Overhead.ProcessCost::pss);
        processes(
                text::counter,
                "hako_pod_process_cpu_seconds_total",
                "Processor time of a process that serves a pod.",
                costs,
                process -> process.cpuMillis() / 1000.0);
        guests(
                text,
                "hako_pod_guest_memory_bytes",
                "Memory that a guest's kernel manages.",
                costs,
                Overhead::guestMemoryTotal);
        guests(
                text,
                "hako_pod_guest_memory_available_bytes",
                "Of that, what is free or can be freed.",
                costs,
                Overhead::guestMemoryAvailable);
        guests(
                text,
                "hako_pod_guest_agent_memory_bytes",
                "Anonymous memory of the agent in a guest.",
                costs,
                Overhead::agentAnonymous);
    }

    /** Beside one another: a guest that does not answer holds up no other's figures. */
    private Map<SandboxView, Overhead> measured(List<SandboxView> pods) {
        Map<SandboxView, Overhead> found = new ConcurrentHashMap<>();
        Call call = CallScope.within(PATIENCE);
        List<Thread> threads =
                pods.stream()
                        .map(
                                pod ->
                                        Thread.ofVirtual()
                                                .name("measure " + pod.id())
                                                .start(
                                                        () ->
                                                                measure(pod, call)
                                                                        .ifPresent(
                                                                                cost ->
                                                                                        found.put(
                                                                                                pod,
                                                                                                cost))))
                        .toList();
        threads.forEach(thread -> join(thread, call));
        Map<SandboxView, Overhead> ordered = new LinkedHashMap<>();
        pods.forEach(
                pod ->
                        Optional.ofNullable(found.get(pod))
                                .ifPresent(cost -> ordered.put(pod, cost)));
        return ordered;
    }

    private Optional<Overhead> measure(SandboxView pod, Call call) {
        try {
            return Optional.of(operations.overhead(pod.id().toString(), call));
        } catch (DriverException e) { // it ended meanwhile, or does not answer
            return Optional.empty();
        }
    }

    private static void join(Thread thread, Call call) {
        try {
            thread.join(call.remaining());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** A family whose samples are a pod's processes. */
    private interface Family {
        MetricsText add(String name, String help, List<Sample> samples);
    }

    private static void processes(
            Family family,
            String name,
            String help,
            Map<SandboxView, Overhead> costs,
            Function<Overhead.ProcessCost, Number> figure) {
        List<Sample> samples = new ArrayList<>();
        costs.forEach(
                (pod, cost) ->
                        cost.processes()
                                .forEach(
                                        process ->
                                                samples.add(
                                                        sample(
                                                                figure.apply(process).doubleValue(),
                                                                "namespace",
                                                                pod.namespace(),
                                                                "pod",
                                                                pod.sandboxId(),
                                                                "role",
                                                                process.role()))));
        family.add(name, help, samples);
    }

    private static void guests(
            MetricsText text,
            String name,
            String help,
            Map<SandboxView, Overhead> costs,
            Function<Overhead, Long> figure) {
        text.gauge(
                name,
                help,
                costs.entrySet().stream()
                        .filter(each -> each.getValue().guestMemoryTotal() > 0)
                        .map(
                                each ->
                                        sample(
                                                figure.apply(each.getValue()),
                                                "namespace",
                                                each.getKey().namespace(),
                                                "pod",
                                                each.getKey().sandboxId()))
                        .toList());
    }

    private static Sample sample(double value, String... namesAndValues) {
        Map<String, String> labels = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            labels.put(namesAndValues[i], namesAndValues[i + 1]);
        }
        return new Sample(labels, value);
    }
}
