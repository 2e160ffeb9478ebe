// SPDX-License-Identifier: Apache-2.0
package io.hako.assembly;

import static org.hamcrest.CoreMatchers.containsString;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.junit.Assert.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.jar.JarOutputStream;
import java.util.zip.ZipEntry;
import org.junit.Before;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** The assembled tree as an operator runs it. */
public class DaemonIT {
    private static final Path HOME = Path.of(System.getProperty("hako.home"));
    private static final String STARTED = "hakod started in";

    @Rule public final TemporaryFolder folder = new TemporaryFolder();

    private Path directories;

    @Before
    public void place() {
        directories = folder.getRoot().toPath();
    }

    @Test
    public void startsAndStopsOnSigterm() throws Exception {
        try (var daemon = new RunningDaemon(HOME, directories)) {
            daemon.awaitLine(STARTED);
            daemon.terminate();
            assertEquals(0, daemon.awaitExit());
        }
    }

    @Test
    public void refusesARunDirectoryThatAnotherHolds() throws Exception {
        try (var first = new RunningDaemon(HOME, directories)) {
            first.awaitLine(STARTED);
            try (var second = new RunningDaemon(HOME, directories)) {
                assertThat(
                        second.awaitLine("Another hakod"),
                        containsString(
                                "Another hakod, process %d, serves the run directory %s: stop it, or give this one a directory of its own in HAKO_RUN_DIR."
                                        .formatted(first.pid(), directories.resolve("run"))));
                assertEquals(1, second.awaitExit());
            }
            first.terminate();
            assertEquals(0, first.awaitExit());
        }
    }

    @Test
    public void startsAgainAfterKillWithTheNextEpoch() throws Exception {
        for (var epoch = 1; epoch <= 3; epoch++) {
            try (var daemon = new RunningDaemon(HOME, directories)) {
                assertThat(daemon.awaitLine(STARTED), containsString("epoch " + epoch + ","));
                daemon.kill();
            }
        }
    }

    @Test
    public void aPluginThatCannotStartIsNamedAndTheRestServes() throws Exception {
        var home = copyOf(HOME, directories.resolve("home"));
        writeBundle(
                home.resolve("plugins/hypervisor/broken.jar"),
                "broken",
                "not.there;version=\"[1,2)\"");
        try (var daemon = new RunningDaemon(home, directories)) {
            assertThat(daemon.awaitLine("broken.jar does not start"), containsString("not.there"));
            daemon.awaitLine(STARTED);
        }
    }

    @Test
    public void aPluginThatIsNoBundleIsNamedAndTheRestServes() throws Exception {
        var home = copyOf(HOME, directories.resolve("home"));
        Files.createDirectories(home.resolve("plugins/hypervisor"));
        Files.writeString(home.resolve("plugins/hypervisor/broken.jar"), "no jar at all");
        try (var daemon = new RunningDaemon(home, directories)) {
            daemon.awaitLine("broken.jar does not start");
            daemon.awaitLine(STARTED);
        }
    }

    @Test
    public void aDaemonBundleThatCannotStartEndsTheStart() throws Exception {
        var home = copyOf(HOME, directories.resolve("home"));
        writeBundle(home.resolve("bundles/30-daemon/broken.jar"), "broken", "not.there");
        try (var daemon = new RunningDaemon(home, directories)) {
            assertThat(daemon.awaitLine("broken.jar does not start"), containsString("not.there"));
            assertEquals(1, daemon.awaitExit());
        }
    }

    @Test
    public void aRefusedSettingsFileEndsTheStart() throws Exception {
        Files.writeString(
                directories.resolve("hako.toml"), "[guest]\nkernal = \"/boot/vmlinux\"\n");
        try (var daemon = new RunningDaemon(HOME, directories)) {
            assertEquals(1, daemon.awaitExit());
            var said = daemon.restOfLog();
            assertEquals("the sentence and nothing else: " + said, 1, said.size());
            assertThat(said.getFirst(), containsString(" ERROR hakod - In the settings file "));
            assertThat(
                    said.getFirst(),
                    containsString("guest.kernal is not known: did you mean \"kernel\"?"));
        }
    }

    @Test
    public void aTrainedInstallationStartsFromItsCache() throws Exception {
        var home = copyOf(HOME, directories.resolve("home"));
        var training = new ProcessBuilder(home + "/bin/hakod", "--train").inheritIO().start();
        assertEquals(0, training.waitFor());
        // With this mode the JVM refuses to start without a cache that it can use.
        try (var daemon = new RunningDaemon(home, directories, "-XX:AOTMode=on")) {
            daemon.awaitLine(STARTED);
        }
        Files.writeString(home.resolve("lib/hakod.aot"), "damaged");
        try (var daemon = new RunningDaemon(home, directories, "-XX:AOTMode=on")) {
            assertEquals(1, daemon.awaitExit());
        }
        try (var daemon = new RunningDaemon(home, directories)) {
            daemon.awaitLine(STARTED);
        }
    }

    private static Path copyOf(Path tree, Path target) throws IOException {
        try (var files = Files.walk(tree)) {
            for (var file : (Iterable<Path>) files::iterator) {
                Files.copy(file, target.resolve(tree.relativize(file).toString()));
            }
        }
        target.resolve("bin/hakod").toFile().setExecutable(true);
        return target;
    }

    private static void writeBundle(Path jar, String name, String imports) throws IOException {
        Files.createDirectories(jar.getParent());
        try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
            out.putNextEntry(new ZipEntry("META-INF/MANIFEST.MF"));
            var manifest =
                    """
          Manifest-Version: 1.0
          Bundle-ManifestVersion: 2
          Bundle-SymbolicName: %s
          Import-Package: %s
          """
                            .formatted(name, imports);
            out.write(manifest.getBytes(StandardCharsets.UTF_8));
        }
    }
}
