// SPDX-License-Identifier: Apache-2.0
package io.hako.itests;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.hako.itests.plugin.PlainHypervisor;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;

/** A bundle of one small driver, {@code hypervisor/plain}, written by hand. */
final class PlainPlugin {
    private static final String COMPONENT =
            """
            <scr:component xmlns:scr="http://www.osgi.org/xmlns/scr/v1.4.0" name="plain">
              <implementation class="%s"/>
              <property name="hako.driver" value="hypervisor/plain"/>
              <service><provide interface="io.hako.api.hypervisor.Hypervisor"/></service>
            </scr:component>
            """;

    private PlainPlugin() {}

    static Path of(Class<? extends PlainHypervisor> driver, Path directory, String version) {
        Path jar = directory.resolve("%s-%s.jar".formatted(driver.getSimpleName(), version));
        try (JarOutputStream out =
                new JarOutputStream(Files.newOutputStream(jar), manifest(version))) {
            for (String file : classFiles(driver)) {
                out.putNextEntry(new ZipEntry(file));
                try (InputStream in = PlainPlugin.class.getResourceAsStream("/" + file)) {
                    Objects.requireNonNull(in, file).transferTo(out);
                }
            }
            out.putNextEntry(new ZipEntry("OSGI-INF/plain.xml"));
            out.write(COMPONENT.formatted(driver.getName()).getBytes(UTF_8));
            return jar;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> classFiles(Class<?> driver) {
        return Stream.concat(withNested(driver), withNested(PlainHypervisor.class))
                .distinct()
                .toList();
    }

    private static Stream<String> withNested(Class<?> type) {
        return Stream.concat(Stream.of(type), Stream.of(type.getDeclaredClasses()))
                .map(one -> one.getName().replace('.', '/') + ".class");
    }

    private static Manifest manifest(String version) {
        Manifest manifest = new Manifest();
        Attributes main = manifest.getMainAttributes();
        main.putValue("Manifest-Version", "1.0");
        main.putValue("Bundle-ManifestVersion", "2");
        main.putValue(
                "Bundle-SymbolicName", "io.hako.fake"); // removed after each test like the others
        main.putValue("Bundle-Version", version);
        main.putValue("Service-Component", "OSGI-INF/plain.xml");
        main.putValue(
                "Import-Package",
                "io.hako.api.device,io.hako.api.driver,io.hako.api.hypervisor,io.hako.api.types");
        main.putValue(
                "Provide-Capability",
                "hako.driver;kind=hypervisor;name=plain;schema.oldest:Long=1;schema.written:Long=1");
        return manifest;
    }
}
