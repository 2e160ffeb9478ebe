// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.runner.JUnitCore;
import org.junit.runner.Request;
import org.junit.runner.Result;
import org.junit.runner.notification.Failure;

/**
 * Driver, kit and testbed as they are, on an API that is a later one ({@link LaterApi}): what a
 * bundle meets that was not built anew.
 */
final class LaterWorld extends ClassLoader {
    private static final String API = "io.hako.api.";

    /** What has one copy in a Java machine, or is the same in both worlds. */
    private static final String[] SHARED = {
        "org.junit.", "junit.", "org.hamcrest.", "org.slf4j.", "com.sun.jna."
    };

    private LaterWorld(ClassLoader today) {
        super("later", today);
    }

    /** Whether the caller is in one. */
    static boolean isHere() {
        // By name: in a later world, this class is another one.
        return LaterWorld.class
                .getClassLoader()
                .getClass()
                .getName()
                .equals(LaterWorld.class.getName());
    }

    /**
     * Runs one test of a class in a later world.
     *
     * @throws AssertionError with the trace there, if it fails
     */
    static void run(Class<?> test, String method) throws ClassNotFoundException {
        Class<?> later = new LaterWorld(test.getClassLoader()).loadClass(test.getName());
        Result result = new JUnitCore().run(Request.method(later, method));
        for (Failure failure : result.getFailures()) {
            throw new AssertionError("With a later API: " + failure.getTrace());
        }
    }

    /** A variant that no driver of today knows, like one that it knows. Only in a later world. */
    static <T> T variant(Class<T> family, T known) {
        try {
            return family.cast(
                    Class.forName(family.getName() + "$OfALaterApi")
                            .getConstructor(family)
                            .newInstance(known));
        } catch (ClassNotFoundException
                | NoSuchMethodException
                | InstantiationException
                | IllegalAccessException
                | InvocationTargetException e) {
            throw new AssertionError("There is no later variant of " + family, e);
        }
    }

    /** A constant that no driver of today knows. Only in a later world. */
    static <E extends Enum<E>> E constant(Class<E> type) {
        return Enum.valueOf(type, LaterApi.CONSTANT);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (Stream.of(SHARED).anyMatch(name::startsWith)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            return loaded != null ? loaded : platformOrOwn(name);
        }
    }

    private Class<?> platformOrOwn(String name) throws ClassNotFoundException {
        try {
            return getPlatformClassLoader().loadClass(name);
        } catch (ClassNotFoundException e) {
            return findClass(name);
        }
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        byte[] code =
                LaterApi.isVariant(name)
                        ? LaterApi.variantOf(today(LaterApi.family(name)))
                        : name.startsWith(API) ? LaterApi.later(today(name)) : today(name);
        return defineClass(name, code, 0, code.length);
    }

    private byte[] today(String name) throws ClassNotFoundException {
        String file = name.replace('.', '/') + ".class";
        try (InputStream in = getParent().getResourceAsStream(file)) {
            return Objects.requireNonNull(in, file).readAllBytes();
        } catch (IOException | NullPointerException e) {
            throw new ClassNotFoundException(name, e);
        }
    }
}
