// SPDX-License-Identifier: Apache-2.0
package io.hako.fake.node;

import io.hako.api.driver.NodeStore;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.FailureKind;
import io.hako.api.types.Names;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One directory, and one lock for all keys: who needs more parallelism than a test is at the wrong
 * place.
 */
final class FakeNodeStore implements NodeStore {
    private final Path directory;
    private final ReentrantLock lock = new ReentrantLock();

    FakeNodeStore(Path directory) {
        this.directory = directory;
    }

    @Override
    public Path directory() {
        return directory;
    }

    @Override
    public <T> T exclusively(String key, Call call, Callable<T> work) {
        Names.name("The key of a node store", key, 128);
        call.checkCancelled();
        try {
            if (!lock.tryLock(call.remaining().toNanos(), TimeUnit.NANOSECONDS)) {
                throw new DriverException(
                        FailureKind.DEADLINE_EXCEEDED,
                        "Others work under the key %s.".formatted(key));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DriverException(
                    FailureKind.CANCELLED,
                    "The wait for the key %s was interrupted.".formatted(key));
        }
        try {
            return work.call();
        } catch (DriverException e) {
            throw e;
        } catch (Exception e) {
            throw new DriverException(
                    FailureKind.INTERNAL, "The work under the key %s failed.".formatted(key), e);
        } finally {
            lock.unlock();
        }
    }
}
