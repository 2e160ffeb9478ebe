// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.machine;

import static org.junit.Assert.assertEquals;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.rules.ExternalResource;

/**
 * One node under test: a hakod of its own, with run and state directories of its own, and the hako
 * command against it. After the last test it removes every container, ends the daemon and demands
 * that nothing is left on the machine.
 */
public final class Node extends ExternalResource {
    public static final Duration LIMIT = Duration.ofSeconds(60);

    private final Path home = required("hako.home");
    private final Path binaries = required("hako.native");
    private final Path guest;
    private final Path demo = required("hako.demo");

    /**
     * Short: below it are sockets, whose paths have 107 bytes at most, named after CRI's ids of 64.
     */
    private final Path run =
            Path.of(
                    "/run/hako-"
                            + Long.toString(
                                    Math.floorMod(new SecureRandom().nextLong(), 60_466_176L), 36));

    private Path state = run;
    private Path config = run;
    private Residue before = new Residue(Set.of());
    private Process daemon;

    /** A node with the guest and the settings that a user gets. */
    public Node() {
        this(required("hako.guest"));
    }

    private Node(Path guest) {
        this.guest = guest;
    }

    /** A node whose guests panic when they are told to. */
    public static Node withCrashingGuest() {
        return new Node(required("hako.crashing-guest"));
    }

    @Override
    protected void before() throws IOException {
        state = Files.createTempDirectory("hako-it-state");
        config = state.resolve("hako.toml");
        Files.writeString(config, settings(""));
        Files.createDirectory(
                run,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        before = Residue.of(run, state);
        boolean started = false;
        try {
            startDaemon();
            started = true;
        } finally {
            if (!started) {
                end();
            }
        }
    }

    /** The usual settings and further lines; a table [guest] among those replaces the usual one. */
    private String settings(String lines) {
        return lines.contains("[guest]")
                ? lines
                : "[guest]\nkernel = \""
                        + guest.resolve("vmlinux")
                        + "\"\ninitramfs = \""
                        + guest.resolve("initramfs.cpio")
                        + "\"\n"
                        + lines;
    }

    /** Does something while the daemon has further settings, and goes back to the usual ones. */
    public void withSettings(String lines, Runnable action) throws IOException {
        restartWith(lines);
        try {
            action.run();
        } finally {
            restartWith("");
        }
    }

    private void restartWith(String lines) throws IOException {
        stopDaemon();
        Files.writeString(config, settings(lines));
        startDaemon();
    }

    @Override
    protected void after() {
        try {
            removeAll();
            nothingLeft();
        } finally {
            end();
        }
    }

    /** Leaves the machine as it was, whatever a test has left of it. */
    private void end() {
        try {
            stopDaemon();
        } finally {
            Sweeper.sweep(run, state);
            deleteTree(run);
            deleteTree(state);
        }
    }

    public Path run() {
        return run;
    }

    public Path state() {
        return state;
    }

    public long daemonPid() {
        return daemon.pid();
    }

    /** Starts hakod and returns once it answers. */
    public void startDaemon() {
        daemon = spawn(List.of(daemonProgram()), Map.of(), ProcessBuilder.Redirect.appendTo(log()));
        Await.until(
                "hakod to answer",
                LIMIT,
                () -> daemon.isAlive() && hako("ps").exit() == 0,
                this::logText);
    }

    public void ensureDaemon() {
        if (!daemon.isAlive()) {
            startDaemon();
        }
    }

    /** The log file of a detached container, as its shim has written it so far. */
    public String log(String id) {
        try {
            return Files.readString(run.resolve("bundles").resolve(id).resolve("container.log"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As an operator's kill -9 does: nothing of the daemon runs on, nothing is tidied. */
    public void killDaemon() {
        daemon.destroyForcibly();
        waitForDaemon();
    }

    public void stopDaemon() {
        if (daemon != null) {
            daemon.destroy();
            waitForDaemon();
        }
    }

    private void waitForDaemon() {
        try {
            daemon.waitFor();
        } catch (InterruptedException e) {
            throw new AssertionError("Interrupted while waiting for hakod to end", e);
        }
    }

    public Result hako(String... arguments) {
        return hako(new byte[0], arguments);
    }

    public Result hako(byte[] stdin, String... arguments) {
        try (Running running = start(arguments)) {
            Thread writer = Thread.ofPlatform().daemon().start(() -> write(running.stdin(), stdin));
            Result result = running.finish(Duration.ofSeconds(120));
            writer.interrupt();
            return result;
        }
    }

    /** Runs the command and demands exit code 0. */
    public Result succeed(String... arguments) {
        Result result = hako(arguments);
        assertEquals(
                String.join(" ", arguments) + ": " + result + "\n" + logText(), 0, result.exit());
        return result;
    }

    /** What hakod knows of a container's sandbox. */
    public JsonObject inspect(String container) {
        return JsonParser.parseString(succeed("inspect", container).text())
                .getAsJsonObject()
                .getAsJsonObject("sandbox");
    }

    public Running start(String... arguments) {
        List<String> command = new ArrayList<>(List.of(command()));
        command.addAll(List.of(arguments));
        return startProgram(command);
    }

    /** The hako command. */
    public String command() {
        return binaries.resolve("hako").toString();
    }

    /**
     * Starts any program of this machine with the environment in which the hako command finds this
     * node.
     */
    public Running startProgram(List<String> command) {
        return startProgram(command, Map.of());
    }

    /** The same with an environment that differs in some variables. */
    public Running startProgram(List<String> command, Map<String, String> environment) {
        return new Running(spawn(command, environment, ProcessBuilder.Redirect.PIPE));
    }

    public String daemonProgram() {
        return home.resolve("bin/hakod").toString();
    }

    /** Runs a program of this machine and demands exit code 0. */
    public Result program(String... command) {
        try (Running running = startProgram(List.of(command))) {
            Result result = running.finish(LIMIT);
            assertEquals(String.join(" ", command) + ": " + result, 0, result.exit());
            return result;
        }
    }

    private Process spawn(
            List<String> command, Map<String, String> environment, ProcessBuilder.Redirect output) {
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectOutput(output).redirectError(output);
        builder.environment()
                .putAll(
                        Map.of(
                                "HAKO_RUN_DIR", run.toString(),
                                "HAKO_STATE_DIR", state.toString(),
                                "HAKO_CONFIG", config.toString(),
                                "HAKO_SHIM", binaries.resolve("containerd-shim-hako-v2").toString(),
                                "HAKO_DEMO_IMAGE", demo.toString(),
                                "JAVA_HOME", System.getProperty("java.home")));
        builder.environment().putAll(environment);
        try {
            return builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot start " + command, e);
        }
    }

    private static void write(OutputStream to, byte[] bytes) {
        try (to) {
            to.write(bytes);
        } catch (IOException e) {
            // The command ended without reading all of its input; its exit code and output tell the
            // test.
            return;
        }
    }

    private void removeAll() {
        ensureDaemon();
        Result all = hako("ps", "-a", "-q");
        all.text().lines().forEach(id -> hako("rm", "-f", id));
    }

    /**
     * Fails, naming each thing, if anything is on the machine that was not there before the first
     * container.
     */
    public void nothingLeft() {
        nothingSince(before);
    }

    /** What a container has on the machine now. */
    public Residue residue() {
        return Residue.of(run, state);
    }

    /** Fails, naming each thing, if anything is on the machine that was not there then. */
    public void nothingSince(Residue then) {
        Set<String> left = new TreeSet<>();
        Await.until(
                "the machine to be as before",
                Duration.ofSeconds(10),
                () -> {
                    left.clear();
                    left.addAll(residue().since(then));
                    return left.isEmpty();
                },
                () -> "left: " + String.join("\n", left) + "\n" + logText());
    }

    private File log() {
        return state.resolve("hakod.log").toFile();
    }

    public String logText() {
        try {
            return log().exists() ? Files.readString(log().toPath()) : "";
        } catch (IOException e) {
            return "The daemon's log cannot be read: " + e;
        }
    }

    public static Path required(String property) {
        String value = System.getProperty(property, "");
        if (value.isEmpty() || !Files.exists(Path.of(value))) {
            throw new AssertionError(
                    "These tests boot guests and want -D"
                            + property
                            + " (\""
                            + value
                            + "\" is not there): run them with ./dev test");
        }
        return Path.of(value);
    }

    /** What each of hakod's descriptors is. */
    public String descriptorsText() {
        StringBuilder text = new StringBuilder();
        try (Stream<Path> all = Files.list(Path.of("/proc", Long.toString(daemonPid()), "fd"))) {
            all.forEach(
                    fd ->
                            text.append(fd.getFileName())
                                    .append(" -> ")
                                    .append(target(fd))
                                    .append('\n'));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return text.toString();
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "closed meanwhile";
        }
    }

    private static void deleteTree(Path root) {
        if (!Files.exists(root)) {
            return;
        }
        try (Stream<Path> all = Files.walk(root)) {
            all.sorted(java.util.Comparator.reverseOrder()).forEach(Node::delete);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path path) {
        try {
            Files.delete(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
