// SPDX-License-Identifier: Apache-2.0
package io.hako.launcher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * The installed files of hakod. Their layout says what is installed and when it starts:
 *
 * <pre>
 * HOME/bundles/LEVEL-NAME/*.jar    the daemon, started at start level LEVEL
 * HOME/plugins/KIND/NAME.jar       drivers, started at {@link #PLUGIN_LEVEL}
 * </pre>
 */
record Assembly(Path home) {
    static final int PLUGIN_LEVEL = 40;

    /** Every bundle, with the plugins of `set` in place of the assembly's own. */
    List<BundleFile> bundles(PluginSet set) throws StartFailure {
        try {
            var bundles = new ArrayList<BundleFile>();
            for (var folder : list(home.resolve("bundles"))) {
                for (var jar : list(folder)) {
                    bundles.add(
                            new BundleFile(jar, "hako:" + jar.getFileName(), level(folder), true));
                }
            }
            bundles.addAll(set.over(ownPlugins()));
            return List.copyOf(bundles);
        } catch (IOException failure) {
            throw new StartFailure(
                    "hakod could not read its installation in %s: %s. Install it again."
                            .formatted(home, failure),
                    failure);
        }
    }

    private List<PluginSet.Plugin> ownPlugins() throws IOException {
        var plugins = new ArrayList<PluginSet.Plugin>();
        for (var kind : list(home.resolve("plugins"))) {
            for (var jar : list(kind)) {
                var name = jar.getFileName().toString().replaceFirst("\\.jar$", "");
                plugins.add(new PluginSet.Plugin(kind.getFileName() + "/" + name, jar));
            }
        }
        return plugins;
    }

    private int level(Path folder) throws StartFailure {
        var name = folder.getFileName().toString();
        try {
            return Integer.parseInt(name.substring(0, Math.max(0, name.indexOf('-'))));
        } catch (NumberFormatException wrong) {
            throw new StartFailure(
                    "The folder %s does not begin with a start level, as in 30-daemon: install hakod again."
                            .formatted(folder));
        }
    }

    private static List<Path> list(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.sorted().toList();
        }
    }
}
