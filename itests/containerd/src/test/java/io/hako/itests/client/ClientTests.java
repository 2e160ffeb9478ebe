// SPDX-License-Identifier: Apache-2.0
package io.hako.itests.client;

import io.hako.itests.machine.Node;
import io.hako.itests.machine.Result;
import io.hako.itests.machine.Running;
import io.hako.itests.machine.Sweeper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.rules.ExternalResource;

/**
 * The program of containerd's own integration/client tests, and what it needs: it starts a
 * containerd that it finds on its PATH in directories of its own choice, and pulls its images from
 * a registry.
 */
final class ClientTests extends ExternalResource {
    /** Where all of its tests run together under emulation, on two cores that others use too. */
    private static final Duration LIMIT = Duration.ofMinutes(30);

    /** With -test.v=test2json the program puts this before what it tells of its tests. */
    private static final Pattern OUTCOME =
            Pattern.compile("^\\x16--- (PASS|FAIL|SKIP): (\\w+) \\(", Pattern.MULTILINE);

    /** defaultState and defaultRoot of integration/client. */
    private static final Path RUN = Path.of("/run/containerd-test");

    private static final Path ROOT = Path.of("/var/lib/containerd-test");

    /** The namespaces of integration/client, which are the parents of its containers' cgroups. */
    private static final Pattern NAMESPACE = Pattern.compile("testing.*|n{76}|containerd");

    private final Node node;
    private Set<String> cgroups = Set.of();

    ClientTests(Node node) {
        this.node = node;
    }

    @Override
    protected void before() throws IOException {
        for (Path directory : List.of(RUN, ROOT)) {
            if (Files.exists(directory)) {
                throw new AssertionError(
                        directory
                                + " is there: containerd's tests run elsewhere on this machine, or"
                                + " were cut off. Remove it if they do not run");
            }
        }
        Files.createDirectory(temporary());
        cgroups = cgroups();
    }

    @Override
    protected void after() {
        // The containerd that they start is named by its socket; it outlives a run that is cut off.
        Sweeper.sweep(RUN, ROOT);
        delete(RUN);
        delete(ROOT);
        cgroups().stream().filter(name -> !cgroups.contains(name)).forEach(Sweeper::removeParent);
    }

    private static Set<String> cgroups() {
        try (Stream<Path> all =
                Files.find(
                        Path.of("/sys/fs/cgroup"),
                        2,
                        (path, attributes) -> attributes.isDirectory())) {
            return all.map(path -> path.getFileName().toString())
                    .filter(name -> NAMESPACE.matcher(name).matches())
                    .collect(Collectors.toSet());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The names of all tests that there are. */
    List<String> names() {
        try (Running running =
                node.startProgram(List.of(program(), "-test.short", "-test.list=^Test"))) {
            return running.finish(Node.LIMIT).text().lines().toList();
        }
    }

    /** Runs tests; the outcome, "pass", "fail" or "skip", by name, of those that came to an end. */
    Outcomes run(List<String> names) throws IOException {
        List<String> command =
                List.of(
                        program(),
                        "-test.root",
                        "-no-criu",
                        "-test.v=test2json",
                        "-test.timeout=" + LIMIT.toSeconds() + "s",
                        "-test.run=^(" + String.join("|", names) + ")$");
        try (Registry registry = new Registry("ghcr.io", Node.required("hako.demo"), node.state());
                Running running = node.startProgram(command, environment(registry))) {
            Result result = running.finish(LIMIT.plusMinutes(1));
            return new Outcomes(outcomes(result.text()), result);
        }
    }

    private Map<String, String> environment(Registry registry) {
        Map<String, String> environment = new HashMap<>(registry.environment());
        environment.put("TEST_RUNTIME", "io.containerd.hako.v2");
        environment.put("TMPDIR", temporary().toString());
        environment.put(
                "PATH",
                String.join(
                        ":",
                        System.getProperty("hako.containerd"),
                        System.getProperty("hako.native"),
                        System.getenv("PATH")));
        return environment;
    }

    private static Map<String, String> outcomes(String output) {
        Map<String, String> outcomes = new TreeMap<>();
        Matcher matcher = OUTCOME.matcher(output);
        while (matcher.find()) {
            outcomes.put(matcher.group(2), matcher.group(1).toLowerCase(Locale.ROOT));
        }
        return outcomes;
    }

    private static String program() {
        return Node.required("hako.client-tests").toString();
    }

    private Path temporary() {
        return node.state().resolve("tmp");
    }

    private static void delete(Path directory) {
        try (Stream<Path> all = Files.exists(directory) ? Files.walk(directory) : Stream.empty()) {
            for (Path path : all.toList().reversed()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * @param result of the program as a whole
     */
    record Outcomes(Map<String, String> byName, Result result) {}
}
