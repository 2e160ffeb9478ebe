// SPDX-License-Identifier: Apache-2.0
package io.hako.launcher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which jars serve as drivers where they are not the assembly's own: the outcome of swaps, kept
 * over restarts in {@code STATE/plugins/set.properties} as {@code KIND/NAME=SHA256}, with the jar
 * beside it as {@code SHA256.jar}.
 */
final class PluginSet {
    private static final Logger LOG = LoggerFactory.getLogger(PluginSet.class);

    private final Path folder;

    /** A driver's jar; `id` is KIND/NAME. */
    record Plugin(String id, Path jar) {}

    PluginSet(Path stateDirectory) {
        this.folder = stateDirectory.resolve("plugins");
    }

    /**
     * The bundles of `own`, replaced and completed by this set. A jar of the set that is damaged
     * leaves its own in place.
     */
    List<BundleFile> over(List<Plugin> own) throws IOException {
        var chosen = new TreeMap<String, Path>();
        own.forEach(plugin -> chosen.put(plugin.id(), plugin.jar()));
        var set = read();
        for (var id : set.stringPropertyNames()) {
            var jar = folder.resolve(set.getProperty(id) + ".jar");
            if (isIntact(jar, set.getProperty(id))) {
                chosen.put(id, jar);
            } else {
                LOG.error(
                        "The plugin {} cannot be taken from {}: the file is missing or damaged. {}; swap it in again with `hako plugin swap`.",
                        id,
                        jar,
                        chosen.containsKey(id)
                                ? "The one that came with hakod serves instead"
                                : "Nothing serves instead");
            }
        }
        var bundles = new ArrayList<BundleFile>();
        for (var entry : chosen.entrySet()) {
            var location =
                    "hako:plugin/%s@%.12s".formatted(entry.getKey(), sha256(entry.getValue()));
            bundles.add(new BundleFile(entry.getValue(), location, Assembly.PLUGIN_LEVEL, false));
        }
        return bundles;
    }

    private Properties read() throws IOException {
        var set = new Properties();
        var file = folder.resolve("set.properties");
        if (Files.exists(file)) {
            try (var reader = Files.newBufferedReader(file)) {
                set.load(reader);
            }
        }
        return set;
    }

    private static boolean isIntact(Path jar, String digest) throws IOException {
        return Files.isRegularFile(jar) && sha256(jar).equals(digest);
    }

    private static String sha256(Path file) throws IOException {
        try {
            return HexFormat.of()
                    .formatHex(
                            MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError("Every Java platform has SHA-256", impossible);
        }
    }
}
