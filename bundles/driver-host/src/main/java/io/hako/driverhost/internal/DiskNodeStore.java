// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.NodeStore;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Names;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A driver's directory {@code STATE/store/KIND-NAME}. One daemon runs on a node, by the launcher's
 * lock, so that a lock within it is a lock on the node.
 */
final class DiskNodeStore implements NodeStore {
    private final Path directory;
    private final DriverId driver;
    private final Map<String, ReentrantLock> locks = new ConcurrentHashMap<>();

    DiskNodeStore(Path state, DriverId driver) {
        this.driver = driver;
        this.directory = state.resolve("store").resolve(driver.kind().word() + "-" + driver.name());
    }

    @Override
    public Path directory() {
        try {
            return Files.createDirectories(
                    directory,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        } catch (IOException e) {
            throw new DriverException(
                    FailureKind.UNAVAILABLE,
                    "The store %s could not be made.".formatted(directory),
                    e);
        }
    }

    @Override
    public <T> T exclusively(String key, Call call, Callable<T> work) {
        Names.name("The key of a node store", key, 128);
        ReentrantLock lock = locks.computeIfAbsent(key, k -> new ReentrantLock());
        lock(lock, key, call);
        try {
            return work.call();
        } catch (DriverException e) {
            throw e;
        } catch (Exception e) {
            throw new DriverException(
                    FailureKind.INTERNAL,
                    "The work of %s under the key %s failed.".formatted(driver, key),
                    e);
        } finally {
            lock.unlock();
        }
    }

    private void lock(ReentrantLock lock, String key, Call call) {
        call.checkCancelled();
        try {
            if (!lock.tryLock(call.remaining().toNanos(), TimeUnit.NANOSECONDS)) {
                throw new DriverException(
                        FailureKind.DEADLINE_EXCEEDED,
                        "Another sandbox works on %s of driver %s: try again later."
                                .formatted(key, driver));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DriverException(
                    FailureKind.CANCELLED,
                    "The wait for the key %s was interrupted.".formatted(key),
                    e);
        }
    }
}
