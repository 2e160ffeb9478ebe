// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.types.DriverId;
import io.hako.api.types.OwnerId;
import io.hako.driverhost.SandboxDrivers;
import io.hako.driverhost.SandboxSite;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Every lease of the node: nowhere else is a handle kept. */
final class LeaseTable {
    private final Parts parts;
    private final Map<OwnerId, SandboxLeases> sandboxes = new ConcurrentHashMap<>();

    LeaseTable(Parts parts) {
        this.parts = parts;
    }

    SandboxDrivers sandbox(SandboxSite site) {
        return sandboxes.computeIfAbsent(
                site.owner(),
                owner -> new SandboxLeases(site, parts, () -> sandboxes.remove(owner)));
    }

    List<HandleLease<?>> of(DriverId driver) {
        return sandboxes.values().stream()
                .flatMap(sandbox -> sandbox.leases().stream())
                .filter(lease -> lease.driver().equals(driver))
                .toList();
    }

    /** Leases that a bundle's driver has now. */
    List<HandleLease<?>> heldBy(DriverId driver, long bundle) {
        return of(driver).stream()
                .filter(
                        lease ->
                                lease.holder()
                                        .filter(by -> by.bundle().getBundleId() == bundle)
                                        .isPresent())
                .toList();
    }

    /** Lets idle handles of a driver that was unbound go, within a time. */
    void leave(BoundDriver unbound, Duration limit) {
        long end = System.nanoTime() + limit.toNanos();
        for (HandleLease<?> lease : of(unbound.id())) {
            lease.leave(unbound, Duration.ofNanos(Math.max(0, end - System.nanoTime())));
        }
    }

    void close() {
        List.copyOf(sandboxes.values()).forEach(SandboxLeases::close);
    }
}
