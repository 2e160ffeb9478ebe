// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.containerd;

import static org.junit.Assert.assertEquals;

import io.hako.itests.machine.Await;
import io.hako.itests.machine.Node;
import io.hako.itests.machine.Result;
import io.hako.itests.machine.Running;
import io.hako.itests.machine.Sweeper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.rules.ExternalResource;

/**
 * A containerd, the distribution's unless the tests are told of another, with directories, sockets
 * and a namespace of its own, beside whatever containerd the machine runs, and ctr against it. It
 * has the demo image, and finds the shim on its PATH.
 */
final class Containerd extends ExternalResource {
    static final String RUNTIME = "io.containerd.hako.v2";
    static final String IMAGE = "demo:latest";

    /** For one command; a machine is emulated where the host has no KVM. */
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private final Node node;

    /** Short: nerdctl's ids have 64 digits, and a socket's path has its limit. */
    private final String namespace = "it" + Long.toString(System.nanoTime() % 1_000_000, 36);

    private Running process;

    Containerd(Node node) {
        this.node = node;
    }

    @Override
    protected void before() throws IOException {
        Files.createDirectories(directory());
        Files.writeString(
                directory().resolve("config.toml"),
                """
        version = 2
        root = "%1$s/root"
        state = "%1$s/state"
        disabled_plugins = ["io.containerd.grpc.v1.cri"]
        [grpc]
          address = "%1$s/c.sock"
        """
                        .formatted(directory()));
        start();
        Path archive = directory().resolve("demo.tar");
        node.program("tar", "-C", System.getProperty("hako.demo"), "-cf", archive.toString(), ".");
        succeed("images", "import", "--base-name", "demo", archive.toString());
    }

    @Override
    protected void after() {
        try {
            node.ensureDaemon();
            lines(ctr("task", "ls", "-q")).forEach(task -> ctr("task", "rm", "-f", task));
            lines(ctr("c", "ls", "-q")).forEach(container -> ctr("c", "rm", container));
        } finally {
            kill();
            Sweeper.removeParent(namespace);
        }
    }

    /** Starts it and returns once it answers. */
    void start() {
        process =
                node.startProgram(
                        List.of(
                                program("containerd"),
                                "-c",
                                directory().resolve("config.toml").toString()),
                        Map.of(
                                "PATH",
                                System.getProperty("hako.native") + ":" + System.getenv("PATH")));
        Await.until(
                "containerd to answer",
                LIMIT,
                () -> process.alive() && ctr("version").exit() == 0,
                this::log);
    }

    long processId() {
        return process.pid();
    }

    void ensureRunning() {
        if (!process.alive()) {
            start();
        }
    }

    /** As kill -9 does. */
    void kill() {
        process.close();
        Await.until("containerd to be gone", LIMIT, () -> !process.alive(), this::log);
    }

    Running run(String... arguments) {
        return node.startProgram(command(arguments));
    }

    Result ctr(String... arguments) {
        try (Running running = run(arguments)) {
            return running.finish(LIMIT);
        }
    }

    /** Runs ctr and demands exit code 0. */
    Result succeed(String... arguments) {
        Result result = ctr(arguments);
        assertEquals(String.join(" ", arguments) + ": " + result + "\n" + log(), 0, result.exit());
        return result;
    }

    /** A container without a task. */
    void create(List<String> options, String id, String... command) {
        List<String> arguments = new ArrayList<>(List.of("c", "create", "--runtime", RUNTIME));
        arguments.addAll(options);
        arguments.addAll(List.of("--", IMAGE, id));
        arguments.addAll(List.of(command));
        succeed(arguments.toArray(String[]::new));
    }

    /** A client of the containerd that runs now; the caller closes it. */
    Tasks tasks() {
        return new Tasks(socket(), namespace);
    }

    /** A sandbox as hakod calls it. */
    String owner(String sandbox) {
        return namespace + "@" + sandbox;
    }

    PodJournal journal(String sandbox) {
        return new PodJournal(node.run().resolve("journal").resolve(owner(sandbox) + ".jsonl"));
    }

    /** A container in the background. */
    void runDetached(String id, String... command) {
        runDetached(List.of(), id, command);
    }

    /** The same with further options. */
    void runDetached(List<String> options, String id, String... command) {
        List<String> arguments = new ArrayList<>(List.of("run", "-d", "--runtime", RUNTIME));
        arguments.addAll(options);
        arguments.addAll(List.of(IMAGE, id));
        arguments.addAll(List.of(command));
        succeed(arguments.toArray(String[]::new));
    }

    /**
     * What `ctr task ls` shows of a task: CREATED, RUNNING, PAUSED, STOPPED, UNKNOWN; empty if
     * there is none.
     */
    String status(String task) {
        return listed(task).map(fields -> fields[2]).orElse("");
    }

    /** The task's pid, which is that of the virtual machine monitor. */
    long pid(String task) {
        return listed(task).map(fields -> Long.valueOf(fields[1])).orElseThrow();
    }

    /** Its id, pid and status. */
    private Optional<String[]> listed(String task) {
        return lines(succeed("task", "ls"))
                .map(line -> line.split("\\s+"))
                .filter(fields -> fields[0].equals(task))
                .findFirst();
    }

    void awaitStatus(String task, String status) {
        Await.until(
                "task " + task + " to be " + status,
                LIMIT,
                () -> status(task).equals(status),
                () -> status(task) + "\n" + log());
    }

    /** Ends a running container and removes it. */
    void remove(String task) {
        succeed("task", "kill", "-s", "9", task);
        awaitStatus(task, "STOPPED");
        succeed("task", "rm", task);
        succeed("c", "rm", task);
    }

    Path socket() {
        return directory().resolve("c.sock");
    }

    String namespace() {
        return namespace;
    }

    List<String> command(String... arguments) {
        List<String> command =
                new ArrayList<>(
                        List.of(program("ctr"), "-a", socket().toString(), "-n", namespace));
        command.addAll(List.of(arguments));
        return command;
    }

    private static String program(String name) {
        String programs = System.getProperty("hako.containerd", "");
        return programs.isEmpty()
                ? name
                : Node.required("hako.containerd").resolve(name).toString();
    }

    String log() {
        return "containerd: " + process + "\nhakod: " + node.logText();
    }

    private Path directory() {
        return node.state().resolve("containerd");
    }

    static Stream<String> lines(Result result) {
        return result.text().lines();
    }
}
