// SPDX-License-Identifier: Apache-2.0
package io.hako.ocispec;

import io.hako.api.types.Names;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * A program of the host's that is run at a point of a container's life (OCI runtime-spec config.md,
 * "POSIX-platform Hooks").
 *
 * @param path absolute
 * @param args argv, which begins with the program's name; empty: the path alone
 * @param env {@code NAME=VALUE}, the whole environment
 * @param timeout after which it is killed and has failed
 */
public record OciHook(Path path, List<String> args, List<String> env, Optional<Duration> timeout) {
    public OciHook {
        args = List.copyOf(args);
        env = List.copyOf(env);
    }

    static OciHook of(JsonNode hook) {
        Optional<Long> seconds = hook.get("timeout").wholeNumber();
        if (seconds.filter(s -> s < 1 || s > Integer.MAX_VALUE / 1000).isPresent()) {
            hook.get("timeout").fail("at least 1 s and at most 24 days");
        }
        return new OciHook(
                Names.absolute(
                        hook.get("path").document() + ": " + hook.get("path").path(),
                        Path.of(hook.get("path").string())),
                hook.get("args").strings(),
                hook.get("env").strings(),
                seconds.map(Duration::ofSeconds));
    }
}
