// SPDX-License-Identifier: Apache-2.0
package io.hako.launcher;

import java.io.IOException;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * hakod's main program. Exit status: 0 after SIGTERM, SIGINT or a stopped framework, 1 if it could
 * not start.
 *
 * <p>Nothing is shut down on the way out: stopping is the same as being killed, so that there is
 * one way to come back.
 */
public final class Main {
    private static final Logger LOG = LoggerFactory.getLogger("hakod");

    private Main() {}

    public static void main(String[] arguments) throws InterruptedException {
        Runtime.getRuntime().addShutdownHook(new Thread(() -> halt(0), "halt"));
        try {
            var run = RunDirectory.take(directory("HAKO_RUN_DIR", "/run/hako"));
            start(run).awaitStop();
            // Collected, it would close its lock file and so let another hakod in.
            Reference.reachabilityFence(run);
            halt(0);
        } catch (StartFailure | IOException | RuntimeException failure) {
            LOG.error(failure.getMessage());
            LOG.debug("Cause", failure);
            halt(1);
        }
    }

    private static Daemon start(RunDirectory run) throws StartFailure, IOException {
        var home = Path.of(System.getProperty("hako.home", ".")).toAbsolutePath();
        var state = directory("HAKO_STATE_DIR", "/var/lib/hako");
        RunDirectory.createPrivate(state);
        var epoch = run.nextEpoch();
        var properties =
                Map.of(
                        "org.osgi.framework.storage", run.path().resolve("bundle-cache").toString(),
                        "hako.run", run.path().toString(),
                        "hako.state", state.toString(),
                        "hako.config", directory("HAKO_CONFIG", "/etc/hako/hako.toml").toString(),
                        "hako.home", home.toString(),
                        "hako.epoch", Long.toString(epoch));
        var daemon = Daemon.start(properties, new Assembly(home).bundles(new PluginSet(state)));
        LOG.info(
                "hakod started in {} ms: epoch {}, {} bundles, run directory {}",
                millisecondsSinceBegin(),
                epoch,
                daemon.bundleCount(),
                run.path());
        return daemon;
    }

    /**
     * Measured from bin/hakod, which says when it began: the kernel's record of it is off by up to
     * a second.
     */
    private static long millisecondsSinceBegin() {
        var now = System.currentTimeMillis();
        return now - Long.getLong("hako.begin", now);
    }

    private static Path directory(String variable, String otherwise) {
        var value = System.getenv(variable);
        return Path.of(value == null || value.isEmpty() ? otherwise : value)
                .toAbsolutePath()
                .normalize();
    }

    /**
     * Ends the process at once: Felix's threads would keep a failed start alive, and no hook may
     * hold up a stop.
     */
    private static void halt(int status) {
        System.err.flush();
        Runtime.getRuntime().halt(status);
    }
}
