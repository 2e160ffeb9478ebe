// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import static org.junit.Assume.assumeTrue;

import io.hako.api.types.NetworkNamespace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.rules.ExternalResource;

/**
 * A network namespace that lives as long as the test; the test is skipped where none can be made.
 */
final class HeldNamespace extends ExternalResource {
    private Optional<Process> holder = Optional.empty();

    @Override
    protected void before() throws IOException {
        assumeTrue(
                "a network namespace needs root", "root".equals(System.getProperty("user.name")));
        // Says when it is in the namespace, then stays until its input ends.
        Process process =
                new ProcessBuilder("unshare", "--net", "sh", "-c", "echo in; read _")
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        holder = Optional.of(process);
        assumeTrue(
                "no network namespace can be made here",
                "in".equals(process.inputReader().readLine()));
    }

    @Override
    protected void after() {
        holder.ifPresent(process -> process.destroyForcibly().onExit().join());
    }

    NetworkNamespace network() {
        return new NetworkNamespace(Path.of("/proc/" + holder.orElseThrow().pid() + "/ns/net"));
    }

    /** What a command prints that runs in the namespace. */
    String run(String... command) throws IOException, InterruptedException {
        List<String> inside = new ArrayList<>(List.of("nsenter", "--net=" + network()));
        inside.addAll(List.of(command));
        Process process = new ProcessBuilder(inside).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return said;
    }
}
