// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.Driver;
import io.hako.api.driver.DriverContext;
import io.hako.api.driver.Handle;
import io.hako.api.driver.HandleState;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkSource;
import io.hako.api.storage.StorageAttachment;
import io.hako.api.storage.VolumeSource;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.api.types.OwnerId;
import io.hako.driverhost.Lease;
import io.hako.driverhost.SandboxDrivers;
import io.hako.driverhost.SandboxSite;
import io.hako.settings.DriverSettings;
import io.hako.state.Entry;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The leases of one sandbox, by slot. */
final class SandboxLeases implements SandboxDrivers, LeaseSite {
    private static final Logger LOG = LoggerFactory.getLogger(SandboxLeases.class);

    private final SandboxSite site;
    private final Parts parts;
    private final ShimLink link;
    private final SlotSite slots;
    private final Runnable onClose;
    private final Map<String, HandleLease<?>> leases = new ConcurrentHashMap<>();

    SandboxLeases(SandboxSite site, Parts parts, Runnable onClose) {
        this.site = site;
        this.parts = parts;
        this.link = new ShimLink(site.owner(), parts.shims());
        this.slots = new SlotSite(site, parts, link);
        this.onClose = onClose;
    }

    List<HandleLease<?>> leases() {
        return List.copyOf(leases.values());
    }

    @Override
    public OwnerId owner() {
        return site.owner();
    }

    @Override
    public Lease<Vm> create(String slot, DriverId driver, String settings, VmSpec spec, Call call) {
        return make(
                HandleKind.VM,
                slot,
                driver,
                settings,
                call,
                (d, context) -> d.create(spec, context, call));
    }

    @Override
    public Lease<NetworkAttachment> connect(
            String slot, DriverId driver, String settings, NetworkSource source, Call call) {
        return make(
                HandleKind.NETWORK,
                slot,
                driver,
                settings,
                call,
                (d, context) -> d.connect(source, context, call));
    }

    @Override
    public Lease<StorageAttachment> share(
            String slot, DriverId driver, String settings, VolumeSource source, Call call) {
        return make(
                HandleKind.STORAGE,
                slot,
                driver,
                settings,
                call,
                (d, context) -> d.share(source, context, call));
    }

    @Override
    public Lease<Vm> adoptVm(String slot, Call call) {
        return adopt(HandleKind.VM, slot, call);
    }

    @Override
    public Lease<NetworkAttachment> adoptNetwork(String slot, Call call) {
        return adopt(HandleKind.NETWORK, slot, call);
    }

    @Override
    public Lease<StorageAttachment> adoptStorage(String slot, Call call) {
        return adopt(HandleKind.STORAGE, slot, call);
    }

    private <D extends Driver<?>, H extends Handle> Lease<H> make(
            HandleKind<D, H> kind,
            String slot,
            DriverId driver,
            String settings,
            Call call,
            BiFunction<D, DriverContext, H> maker) {
        requireFree(slot);
        BoundDriver by = parts.roster().enter(driver, call);
        HandleLease<H> lease;
        try {
            String frozen = frozen(by, settings);
            DriverContext context = slots.context(slot, driver, frozen);
            H handle = by.call(kind.driver(), d -> maker.apply(d, context));
            HandleState state = Failures.guard(driver, handle::state);
            site.journal()
                    .append(
                            new Entry.Handle(
                                    slot, driver.toString(), state.schema(), state.json(), frozen));
            lease = new HandleLease<>(this, kind, slot, state);
            lease.hold(by, handle);
        } catch (DriverException e) {
            undoAfter(e, slot);
            throw e;
        } finally {
            by.gate().leave();
        }
        leases.put(slot, lease);
        if (by.gate().closed()) {
            lease.leave(by, Duration.ofSeconds(1));
        }
        return lease;
    }

    private void requireFree(String slot) {
        if (leases.containsKey(slot) || site.journal().record().handles().containsKey(slot)) {
            throw new DriverException(
                    FailureKind.ALREADY_EXISTS,
                    "Sandbox %s has a handle %s already.".formatted(owner(), slot));
        }
    }

    /**
     * With every default written out, so that a later version's other defaults do not change what
     * runs.
     */
    private static String frozen(BoundDriver by, String settings) {
        return by.announcement()
                .settingsRecord(by.bundle())
                .map(record -> DriverSettings.parse(settings).withDefaultsOf(record).json())
                .orElse(settings);
    }

    private void undoAfter(DriverException failure, String slot) {
        try {
            slots.undoing(slot).run(Optional.of(link.now()), ShimLink.shortCall());
        } catch (DriverException e) {
            LOG.warn(
                    "Sandbox {}: what was made for {} before \"{}\" could not be undone yet: {}",
                    owner(),
                    slot,
                    failure.getMessage(),
                    e.getMessage());
        }
    }

    private <D extends Driver<?>, H extends Handle> Lease<H> adopt(
            HandleKind<D, H> kind, String slot, Call call) {
        HandleLease<H> lease = leased(kind, slot).orElseGet(() -> journalled(kind, slot));
        lease.adopt(call);
        leases.putIfAbsent(slot, lease);
        return lease;
    }

    @SuppressWarnings("unchecked") // the kind is compared
    private <H extends Handle> Optional<HandleLease<H>> leased(HandleKind<?, H> kind, String slot) {
        return Optional.ofNullable(leases.get(slot))
                .filter(lease -> lease.kind() == kind)
                .map(lease -> (HandleLease<H>) lease);
    }

    private <H extends Handle> HandleLease<H> journalled(HandleKind<?, H> kind, String slot) {
        Entry.Handle entry = entry(slot);
        DriverId driver = DriverId.parse(entry.driver());
        if (driver.kind() != kind.kind()) {
            throw new DriverException(
                    FailureKind.FAILED_PRECONDITION,
                    "The handle %s of sandbox %s is of %s, not of a %s."
                            .formatted(slot, owner(), driver, kind.kind().word()));
        }
        return new HandleLease<>(
                this, kind, slot, new HandleState(driver, entry.schema(), entry.state()));
    }

    private Entry.Handle entry(String slot) {
        return Optional.ofNullable(site.journal().record().handles().get(slot))
                .orElseThrow(
                        () ->
                                new DriverException(
                                        FailureKind.NOT_FOUND,
                                        "Sandbox %s has no handle %s.".formatted(owner(), slot)));
    }

    @Override
    public void undo(String slot, Call call) {
        HandleLease<?> lease = leases.get(slot);
        if (lease != null) {
            lease.abandon(call);
        }
        slots.undoing(slot).run(link.find(), call);
        forgotten(slot);
    }

    @Override
    public void gone(HandleLease<?> lease, Call call) {
        slots.undoing(lease.slot()).run(Optional.of(link.await(call)), call);
        forgotten(lease.slot());
    }

    private void forgotten(String slot) {
        if (site.journal().record().handles().containsKey(slot)) {
            site.journal().append(new Entry.HandleGone(slot));
        }
        leases.remove(slot);
    }

    @Override
    public void record(String slot, HandleState state) {
        site.journal()
                .append(
                        new Entry.Handle(
                                slot,
                                state.driver().toString(),
                                state.schema(),
                                state.json(),
                                entry(slot).settings()));
    }

    @Override
    public DriverContext context(String slot, DriverId driver) {
        return slots.context(slot, driver, entry(slot).settings());
    }

    @Override
    public Roster roster() {
        return parts.roster();
    }

    @Override
    public void close() {
        leases.values().forEach(lease -> lease.abandon(ShimLink.shortCall()));
        leases.clear();
        onClose.run();
    }
}
