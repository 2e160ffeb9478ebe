// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
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

/** The figures of the pods: how many there are, and what each costs. */
record PodMetrics(Operations operations) {
    /** With more pods than this only the first of them have figures of their own. */
    static final int MOST_PODS = 256;

    /** Prometheus gives a scrape ten seconds. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    void add(MetricsText text) {
        List<SandboxView> pods = operations.sandboxes();
        states(text, pods);
        costs(text, pods);
    }

    private static void states(MetricsText text, List<SandboxView> pods) {
        text.gauge(
                "hako_pods",
                "Pods, by state.",
                Stream.of(SandboxView.State.values())
                        .map(
                                state ->
                                        Sample.of(
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
                                                        Sample.of(
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
                                        Sample.of(
                                                figure.apply(each.getValue()),
                                                "namespace",
                                                each.getKey().namespace(),
                                                "pod",
                                                each.getKey().sandboxId()))
                        .toList());
    }
}
