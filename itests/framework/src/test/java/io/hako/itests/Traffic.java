// SPDX-License-Identifier: Apache-2.0
package io.hako.itests;

import io.hako.api.hypervisor.Vm;
import io.hako.driverhost.Lease;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;

/** One virtual thread for each lease, calling without pause until it is stopped. */
final class Traffic implements AutoCloseable {
    /** A call on a real driver waits so long for its monitor; a fake waits for nothing. */
    private static final Duration ROUND_TRIP = Duration.ofMillis(2);

    private final AtomicBoolean stop = new AtomicBoolean();
    private final Map<Lease<Vm>, Semaphore> calls = new ConcurrentHashMap<>();
    private final Queue<String> failures = new ConcurrentLinkedQueue<>();
    private final List<Thread> threads;

    Traffic(List<Lease<Vm>> leases) throws InterruptedException {
        CountDownLatch running = new CountDownLatch(leases.size());
        leases.forEach(lease -> calls.put(lease, new Semaphore(0)));
        threads =
                leases.stream()
                        .map(lease -> Thread.startVirtualThread(() -> call(lease, running)))
                        .toList();
        running.await();
    }

    private void call(Lease<Vm> lease, CountDownLatch running) {
        Semaphore succeeded = calls.get(lease);
        while (!stop.get()) {
            try {
                lease.run(
                        DriverHostFixture.call(),
                        vm -> {
                            vm.attach(DriverHostFixture.disk(), DriverHostFixture.call());
                            LockSupport.parkNanos(ROUND_TRIP.toNanos());
                        });
                lease.run(
                        DriverHostFixture.call(),
                        vm -> {
                            LockSupport.parkNanos(ROUND_TRIP.toNanos());
                            vm.detach(DriverHostFixture.disk().id(), DriverHostFixture.call());
                        });
                succeeded.release(2);
            } catch (RuntimeException | Error e) {
                failures.add(e.toString());
            }
            running.countDown();
        }
    }

    /** Waits until so many calls on each lease have succeeded from now on; false if they do not. */
    boolean awaitCallsOnEach(int count) throws InterruptedException {
        calls.values().forEach(Semaphore::drainPermits);
        boolean all = true;
        for (Semaphore succeeded : calls.values()) {
            all &= succeeded.tryAcquire(count, 30, TimeUnit.SECONDS);
        }
        return all;
    }

    List<String> failures() {
        return List.copyOf(failures);
    }

    @Override
    public void close() throws InterruptedException {
        stop.set(true);
        for (Thread thread : threads) {
            thread.join();
        }
    }
}
