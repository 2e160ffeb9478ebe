// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import java.net.URL;
import java.net.URLClassLoader;
import java.security.CodeSource;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/**
 * Loads a driver and the test of its kit anew, apart from those of the test that runs, as a
 * bundle's loader does; the API and the kit are shared.
 */
final class ApartLoader extends URLClassLoader {
    private static final AtomicLong NUMBER = new AtomicLong();

    private ApartLoader(URL[] own, ClassLoader shared) {
        super("kit-" + NUMBER.incrementAndGet(), own, shared);
    }

    /** For what lies beside these two. */
    static ApartLoader of(Class<?> driver, Class<?> test) {
        URL[] own =
                Stream.of(driver, test)
                        .flatMap(type -> place(type).stream())
                        .filter(url -> !place(DriverKit.class).equals(Optional.of(url)))
                        .distinct()
                        .toArray(URL[]::new);
        return new ApartLoader(own, test.getClassLoader());
    }

    private static Optional<URL> place(Class<?> type) {
        return Optional.ofNullable(type.getProtectionDomain().getCodeSource())
                .map(CodeSource::getLocation);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            return loaded != null ? loaded : own(name, resolve);
        }
    }

    private Class<?> own(String name, boolean resolve) throws ClassNotFoundException {
        try {
            return findClass(name);
        } catch (ClassNotFoundException e) {
            return super.loadClass(name, resolve);
        }
    }
}
