// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.ClassEntry;
import java.net.URL;
import java.time.Duration;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import org.osgi.framework.Bundle;
import org.osgi.framework.wiring.BundleWiring;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads every class of a bundle, and every class that one of them names. After that an update,
 * uninstall or refresh of the bundle cannot break a call that runs in it: nothing is looked up any
 * more.
 */
final class ClassPreloader {
    private static final Logger LOG = LoggerFactory.getLogger(ClassPreloader.class);

    private ClassPreloader() {}

    /**
     * Names that cannot be found are left out: a library's optional parts, which fail just so if
     * they are used.
     */
    static void load(Bundle bundle) {
        long begun = System.nanoTime();
        BundleWiring wiring = bundle.adapt(BundleWiring.class);
        if (wiring == null) {
            return;
        }
        Collection<String> files =
                wiring.listResources(
                        "/",
                        "*.class",
                        BundleWiring.LISTRESOURCES_RECURSE | BundleWiring.LISTRESOURCES_LOCAL);
        Set<String> names = new HashSet<>();
        for (String file : files) {
            URL entry = bundle.getEntry(file);
            if (entry != null) {
                addNames(entry, names);
            }
        }
        names.forEach(name -> resolve(name, wiring.getClassLoader()));
        LOG.debug(
                "Resolved {} classes of {} in {} ms",
                names.size(),
                Diagnosis.named(bundle),
                Duration.ofNanos(System.nanoTime() - begun).toMillis());
    }

    private static void addNames(URL classFile, Set<String> names) {
        try (InputStream in = classFile.openStream()) {
            for (var entry : ClassFile.of().parse(in.readAllBytes()).constantPool()) {
                if (entry instanceof ClassEntry type && type.asSymbol().isClassOrInterface()) {
                    names.add(type.asInternalName().replace('/', '.'));
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Unlike ClassLoader.loadClass, forName has the virtual machine remember what the loader said.
     */
    private static void resolve(String name, ClassLoader loader) {
        try {
            Class.forName(name, false, loader);
        } catch (ClassNotFoundException | LinkageError e) {
            // Optional, and absent.
        }
    }
}
