// SPDX-License-Identifier: Apache-2.0
package io.hako.itests;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.BinaryOperator;
import java.util.function.Consumer;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;

/** The fake drivers' jar with another manifest: another version of a plugin, or a broken one. */
final class PluginJar {
    private PluginJar() {}

    static Path version(Path original, Path directory, String version) {
        return altered(
                original,
                directory.resolve("fake-" + version + ".jar"),
                main -> main.putValue("Bundle-Version", version));
    }

    /** With another manifest. */
    static Path altered(Path original, Path copy, Consumer<Attributes> change) {
        return altered(original, copy, change, (name, content) -> content);
    }

    /**
     * With another manifest and other entries; an entry's content is given and returned as text.
     */
    static Path altered(
            Path original, Path copy, Consumer<Attributes> change, BinaryOperator<String> content) {
        try (JarFile jar = new JarFile(original.toFile())) {
            Manifest manifest = new Manifest(jar.getManifest());
            change.accept(manifest.getMainAttributes());
            try (JarOutputStream copied =
                    new JarOutputStream(Files.newOutputStream(copy), manifest)) {
                for (var entry :
                        jar.stream()
                                .filter(e -> !e.getName().equals(JarFile.MANIFEST_NAME))
                                .toList()) {
                    copied.putNextEntry(new ZipEntry(entry.getName()));
                    String text = new String(jar.getInputStream(entry).readAllBytes(), ISO_8859_1);
                    copied.write(content.apply(entry.getName(), text).getBytes(ISO_8859_1));
                }
            }
            return copy;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
