// SPDX-License-Identifier: Apache-2.0
package io.hako.contract;

import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import io.hako.api.driver.Driver;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Handle;
import io.hako.api.types.FailureKind;
import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.util.function.BiConsumer;
import org.junit.Test;

/**
 * Theme: a driver whose handles are let go leaves nothing in the daemon that keeps its classes, or
 * each swap would cost memory that never comes back. What keeps them, and is found by these tests:
 * a thread of the driver's own, be it virtual and parked or blocked in a read; a {@link
 * ThreadLocal} that it left with a thread of its caller; a shutdown hook; an entry in a static
 * table of the platform or of a shared library.
 *
 * <p>The driver is loaded anew for each test, by way of the vendor's test class: {@link #newDriver}
 * and {@link #settings} are called on another instance of it, whose rules have not run.
 */
public abstract class HandleLeaks<D extends Driver<?>, H extends Handle>
        extends HandleAdoption<D, H> {
    private static final int COLLECTIONS = 20;
    private static final long BETWEEN_COLLECTIONS_MS = 50;

    /** What a handle does in its life that could leave something behind. */
    abstract void use(H handle);

    @Test
    public void aReleasedHandleKeepsNoClass() throws Exception {
        assertFreed(
                (driver, context) -> {
                    H handle = make(driver, context, call());
                    use(handle);
                    handle.release();
                });
    }

    @Test
    public void aDestroyedHandleKeepsNoClass() throws Exception {
        assertFreed(
                (driver, context) -> {
                    H handle = make(driver, context, call());
                    use(handle);
                    handle.destroy(call());
                });
    }

    @Test
    public void aRefusalKeepsNoClass() throws Exception {
        assertFreed(
                (driver, context) ->
                        assertFails(
                                FailureKind.CANCELLED,
                                () -> make(driver, context, testbed().cancelledCall())));
    }

    private void assertFreed(BiConsumer<D, DriverContext> life) throws Exception {
        ReferenceQueue<ClassLoader> queue = new ReferenceQueue<>();
        WeakReference<ClassLoader> loader = lived(life, queue);
        for (int i = 0; i < COLLECTIONS && !loader.refersTo(null); i++) {
            System.gc();
            queue.remove(BETWEEN_COLLECTIONS_MS);
        }
        ClassLoader kept = loader.get();
        assertTrue(
                kept == null ? "" : LoaderKeepers.sentence(kept.getName()), loader.refersTo(null));
    }

    /** In a method of its own, so that no frame keeps what it had. */
    private WeakReference<ClassLoader> lived(
            BiConsumer<D, DriverContext> life, ReferenceQueue<ClassLoader> queue)
            throws ReflectiveOperationException {
        // Not closed: what the driver leaves behind may load classes still.
        ClassLoader apart = ApartLoader.of(newDriver().getClass(), getClass());
        HandleLeaks<D, H> test = again(apart);
        D driver = test.newDriver();
        assertSame("the driver's loader", apart, driver.getClass().getClassLoader());
        life.accept(driver, testbed().context(OWNER, "h0", test.settings()));
        return new WeakReference<>(apart, queue);
    }

    @SuppressWarnings("unchecked") // the same source, so of the same kind of driver
    private HandleLeaks<D, H> again(ClassLoader apart) throws ReflectiveOperationException {
        return (HandleLeaks<D, H>)
                apart.loadClass(getClass().getName()).getDeclaredConstructor().newInstance();
    }
}
