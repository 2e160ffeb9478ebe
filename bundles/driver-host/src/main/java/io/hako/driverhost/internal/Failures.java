// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The border with drivers. An exception that was thrown in a driver's code keeps the driver's
 * classes, by its own class, its cause or its stack; so a new one with the same words goes on from
 * here.
 */
final class Failures {
    private static final Logger LOG = LoggerFactory.getLogger(Failures.class);

    private Failures() {}

    /**
     * Runs code of a driver. Errors that are no fault of the code, such as lack of memory, pass as
     * they are.
     */
    static <T> T guard(DriverId driver, Supplier<T> work) {
        boolean interruptedBefore = Thread.currentThread().isInterrupted();
        try {
            return work.get();
        } catch (DriverException e) {
            trace(driver, e);
            throw new DriverException(e.failure(), withCause(e));
        } catch (Exception | LinkageError | AssertionError | StackOverflowError e) {
            LOG.error("Driver {} failed: {}", driver, stackOf(e));
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "Driver %s failed: %s. This is a fault of the driver.".formatted(driver, e));
        } finally {
            // Left alone, it would end the daemon's own next wait, or close a channel under it.
            if (!interruptedBefore && Thread.interrupted()) {
                LOG.warn("Driver {} left its caller's thread interrupted.", driver);
            }
        }
    }

    static void guard(DriverId driver, Runnable work) {
        guard(
                driver,
                () -> {
                    work.run();
                    return driver;
                });
    }

    private static String withCause(DriverException e) {
        return e.getCause() == null
                ? e.getMessage()
                : "%s (%s)".formatted(e.getMessage(), e.getCause());
    }

    private static void trace(DriverId driver, Throwable e) {
        if (LOG.isDebugEnabled()) {
            LOG.debug("Driver {} refused: {}", driver, stackOf(e));
        }
    }

    /** As text, so that no log appender keeps the exception. */
    private static String stackOf(Throwable e) {
        StringWriter text = new StringWriter();
        e.printStackTrace(new PrintWriter(text));
        return text.toString();
    }
}
