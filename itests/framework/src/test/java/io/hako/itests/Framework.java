// SPDX-License-Identifier: Apache-2.0
package io.hako.itests;

import static org.ops4j.pax.exam.CoreOptions.bundle;
import static org.ops4j.pax.exam.CoreOptions.composite;
import static org.ops4j.pax.exam.CoreOptions.frameworkProperty;
import static org.ops4j.pax.exam.CoreOptions.junitBundles;
import static org.ops4j.pax.exam.CoreOptions.systemPackages;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.ops4j.pax.exam.Option;

/** The daemon's bundles up to driver-host, without any driver. */
final class Framework {
    private Framework() {}

    static Option[] daemon() {
        Path work = work();
        List<Option> options =
                new ArrayList<>(
                        List.of(
                                junitBundles(),
                                systemPackages(
                                        "org.slf4j;version=" + System.getProperty("slf4j.version"),
                                        "org.slf4j;version=1.7.36", // what Pax Exam's own bundles
                                        // accept; the classes are the
                                        // same
                                        "org.slf4j.event;version="
                                                + System.getProperty("slf4j.version"),
                                        "org.slf4j.helpers;version="
                                                + System.getProperty("slf4j.version"),
                                        "org.slf4j.spi;version="
                                                + System.getProperty("slf4j.version"),
                                        "com.sun.jna;version=" + System.getProperty("jna.version"),
                                        "com.sun.jna.ptr;version="
                                                + System.getProperty("jna.version")),
                                frameworkProperty("org.osgi.framework.bsnversion")
                                        .value("multiple"),
                                frameworkProperty("hako.run").value(work.resolve("run").toString()),
                                frameworkProperty("hako.epoch").value("1"),
                                frameworkProperty("hako.state")
                                        .value(work.resolve("state").toString()),
                                frameworkProperty("hako.config")
                                        .value(work.resolve("none.toml").toString()),
                                frameworkProperty("hako.itests.drivers")
                                        .value(
                                                bundles()
                                                        .resolve("hako-fake-drivers.jar")
                                                        .toString()),
                                frameworkProperty("hako.itests.work").value(work.toString())));
        jars().filter(jar -> !jar.getFileName().toString().startsWith("hako-fake"))
                .filter(jar -> !jar.getFileName().toString().startsWith("slf4j"))
                .forEach(jar -> options.add(bundle(jar.toUri().toString())));
        return new Option[] {composite(options.toArray(Option[]::new))};
    }

    private static Stream<Path> jars() {
        try (Stream<Path> files = Files.list(bundles())) {
            return files
                    .filter(file -> file.toString().endsWith(".jar"))
                    .sorted()
                    .toList()
                    .stream();
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static Path bundles() {
        return Path.of(System.getProperty("hako.itests.bundles"));
    }

    private static Path work() {
        try {
            return Files.createTempDirectory(
                    Files.createDirectories(Path.of(System.getProperty("hako.itests.work"))), "w");
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
