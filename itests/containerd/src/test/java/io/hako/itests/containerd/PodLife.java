// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static org.junit.Assert.assertEquals;

import io.grpc.Status.Code;
import io.grpc.StatusRuntimeException;
import io.hako.itests.containerd.tasks.Status;
import io.hako.itests.machine.Await;
import io.hako.itests.machine.Node;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The life of one pod with one container, step by step, as kubelet leads it: a step that failed is
 * asked for again, and what is there already is not made twice. Every exit code and every byte of
 * output is checked on the way.
 */
final class PodLife implements AutoCloseable {
    private static final int TERM = 15;
    private static final int KILLED = 137;

    /** More than a pipe holds. */
    private static final String SEQUENCE = "seq 1 20000";

    private static final String NUMBERS =
            IntStream.rangeClosed(1, 20000).mapToObj(i -> i + "\n").collect(Collectors.joining());

    private final Node node;
    private final Containerd containerd;
    private final String pod;
    private final String container;
    private final List<Fifo> fifos = new ArrayList<>();
    private final Fifo.Output output;
    private final Fifo.Output execOutput;
    private final Fifo.Input execInput;
    private Tasks tasks;
    private boolean forgotten;

    PodLife(Node node, Containerd containerd, String pod) {
        this.node = node;
        this.containerd = containerd;
        this.pod = pod;
        this.container = pod + "-one";
        output = Fifo.Output.in(node, pod + "-out");
        execOutput = Fifo.Output.in(node, pod + "-exec-out");
        execInput = Fifo.Input.in(node, pod + "-exec-in");
        fifos.addAll(List.of(output, execOutput, execInput));
        tasks = containerd.tasks();
        containerd.create(annotations("sandbox"), pod, "sleep", "1000");
        containerd.create(
                annotations("container"),
                container,
                "sh",
                "-c",
                "trap 'trap \"\" TERM; "
                        + SEQUENCE
                        + "; exit 9' TERM; "
                        + SEQUENCE
                        + "; sleep 1000 & wait");
    }

    private List<String> annotations(String type) {
        return List.of(
                "--annotation",
                "io.kubernetes.cri.container-type=" + type,
                "--annotation",
                "io.kubernetes.cri.sandbox-id=" + pod);
    }

    /** The request of a step, as hakod's journal has it. */
    String request(Step step) {
        return switch (step) {
            case CREATE_POD, KILL_POD, DELETE_POD -> step.verb() + " " + pod;
            case EXEC -> step.verb() + " " + container + "/more";
            default -> step.verb() + " " + container;
        };
    }

    /** A new client, of a containerd that was started anew. */
    void reconnect() {
        tasks.close();
        tasks = containerd.tasks();
    }

    Tasks tasks() {
        return tasks;
    }

    String pod() {
        return pod;
    }

    String container() {
        return container;
    }

    /** What has to be seen of the steps so far before this one is asked for. */
    void before(Step step) {
        switch (step) {
            case KILL -> {
                output.is(NUMBERS);
                execInput.write("go\n");
                assertEquals(7, tasks.await(container, "more"));
                execOutput.is(NUMBERS + NUMBERS);
                assertEquals(7, tasks.delete(container, "more"));
            }
            case DELETE -> {
                assertEquals(9, tasks.await(container, ""));
                output.is(NUMBERS + NUMBERS);
            }
            case DELETE_POD -> assertEquals(KILLED, tasks.await(pod, ""));
            default -> {}
        }
    }

    /** Asks for a step; returns once it is done. */
    void take(Step step) {
        switch (step) {
            case CREATE_POD -> {
                if (status(pod, "").isEmpty()) {
                    tasks.create(pod, Tasks.Streams.NONE);
                }
                tasks.start(pod, "");
            }
            case CREATE -> tasks.create(container, new Tasks.Streams("", output.path().toString()));
            case START -> tasks.start(container, "");
            case EXEC -> {
                if (status(container, "more").isEmpty()) {
                    tasks.exec(
                            container,
                            "more",
                            new Tasks.Streams(
                                    execInput.path().toString(), execOutput.path().toString()),
                            List.of("sh", "-c", SEQUENCE + "; read go; " + SEQUENCE + "; exit 7"));
                }
                tasks.start(container, "more");
            }
            case KILL -> tasks.kill(container, TERM);
            case DELETE -> assertEquals(9, tasks.delete(container));
            case KILL_POD -> tasks.kill(pod, 9);
            case DELETE_POD -> assertEquals(KILLED, tasks.delete(pod));
            case GONE -> {}
        }
    }

    /**
     * Asks for a step whose first answer was lost, until that is accepted; returns once it is done.
     */
    void takeAgain(Step step) {
        List<String> refusals = new ArrayList<>();
        AtomicBoolean accepted = new AtomicBoolean();
        Await.until(
                step + " to be done, asked for again",
                Node.LIMIT,
                () -> {
                    if (!isDone(step) && !accepted.get()) {
                        try {
                            take(step);
                            accepted.set(true);
                        } catch (StatusRuntimeException e) {
                            refusals.add(e.toString());
                        }
                    }
                    return isDone(step);
                },
                () -> refusals + containerd.log());
    }

    private boolean isDone(Step step) {
        return switch (step) {
            case CREATE_POD -> status(pod, "").equals(Optional.of(Status.RUNNING));
            case CREATE -> status(container, "").equals(Optional.of(Status.CREATED));
            case START -> status(container, "").equals(Optional.of(Status.RUNNING));
            case EXEC -> status(container, "more").equals(Optional.of(Status.RUNNING));
            case KILL -> status(container, "").equals(Optional.of(Status.STOPPED));
            case DELETE -> status(container, "").isEmpty();
            case KILL_POD -> status(pod, "").equals(Optional.of(Status.STOPPED));
            case DELETE_POD -> status(pod, "").isEmpty();
            case GONE -> true;
        };
    }

    /** Of a process; empty if there is none. */
    Optional<Status> status(String of, String exec) {
        try {
            return Optional.of(tasks.status(of, exec));
        } catch (StatusRuntimeException e) {
            if (e.getStatus().getCode() == Code.NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Takes away containerd's records, which outlive the tasks. */
    void forget() {
        containerd.succeed("c", "rm", container);
        containerd.succeed("c", "rm", pod);
        forgotten = true;
    }

    /** Leaves nothing to the next one of a life that failed. */
    private void abandon() {
        node.ensureDaemon();
        containerd.ensureRunning();
        for (String each : List.of(container, pod)) {
            containerd.ctr("task", "rm", "-f", each);
            containerd.ctr("c", "rm", each);
        }
    }

    @Override
    public void close() {
        if (!forgotten) {
            abandon();
        }
        fifos.forEach(Fifo::close);
        tasks.close();
    }
}
