// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.fake;

import io.hako.api.driver.Finding;
import io.hako.api.driver.Handle;
import io.hako.api.driver.HandleState;
import io.hako.api.driver.Settings;
import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.network.NetworkAttachment;
import io.hako.api.network.NetworkProfile;
import io.hako.api.network.NetworkSource;
import io.hako.api.storage.StorageAttachment;
import io.hako.api.storage.StorageProfile;
import io.hako.api.storage.VolumeSource;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.driverhost.DriverAdmin;
import io.hako.driverhost.DriverHost;
import io.hako.driverhost.DriverView;
import io.hako.driverhost.Lease;
import io.hako.driverhost.SandboxDrivers;
import io.hako.driverhost.SandboxSite;
import io.hako.driverhost.SwapReport;
import io.hako.fake.FakeHypervisor;
import io.hako.fake.FakeNetworkModel;
import io.hako.fake.FakeSettings;
import io.hako.fake.FakeStorageDriver;
import io.hako.host.Machine;
import io.hako.host.shim.Shims;
import io.hako.settings.DriverSettings;
import io.hako.settings.PodSettings;
import io.hako.state.Effect;
import io.hako.state.EffectLog;
import io.hako.state.Entry;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The fake drivers behind leases that journal as driver-host's do, for one sandbox. No swap, no
 * bundles.
 */
public final class FakeDriverHost implements DriverHost, DriverAdmin, SandboxDrivers {
    private static final DriverId HYPERVISOR = DriverId.parse("hypervisor/fake");
    private static final DriverId NETWORK = DriverId.parse("network/fake");
    private static final DriverId STORAGE = DriverId.parse("storage/fake");

    private final Shims shims;
    private final Machine machine;
    private final FakeHypervisor hypervisor = new FakeHypervisor();
    private final FakeNetworkModel network = new FakeNetworkModel();
    private final FakeStorageDriver storage = new FakeStorageDriver();
    private final Map<String, FakeLease<?>> leases = new HashMap<>();
    private Optional<SandboxSite> site = Optional.empty();
    private Optional<DriverException> refusal = Optional.empty();

    public FakeDriverHost(Shims shims, Machine machine) {
        this.shims = shims;
        this.machine = machine;
    }

    /** From now on nothing can be adopted. */
    public void refuseAdoption(DriverException failure) {
        refusal = Optional.of(failure);
    }

    @Override
    public DriverSettings settings(DriverId driver, PodSettings pod, Call call) {
        return pod.driver(driver, Optional.of(FakeSettings.class));
    }

    @Override
    public HypervisorProfile hypervisor(DriverId driver, Settings settings, Call call) {
        return hypervisor.profile(settings);
    }

    @Override
    public NetworkProfile network(DriverId driver, Settings settings, Call call) {
        return network.profile(settings);
    }

    @Override
    public StorageProfile storage(DriverId driver, Settings settings, Call call) {
        return storage.profile(settings);
    }

    @Override
    public SandboxDrivers sandbox(SandboxSite where) {
        site = Optional.of(where);
        return this;
    }

    @Override
    public Lease<Vm> create(String slot, DriverId driver, String settings, VmSpec spec, Call call) {
        return made(
                slot, driver, settings, call, context -> hypervisor.create(spec, context, call));
    }

    @Override
    public Lease<NetworkAttachment> connect(
            String slot, DriverId driver, String settings, NetworkSource source, Call call) {
        return made(
                slot, driver, settings, call, context -> network.connect(source, context, call));
    }

    @Override
    public Lease<StorageAttachment> share(
            String slot, DriverId driver, String settings, VolumeSource source, Call call) {
        return made(slot, driver, settings, call, context -> storage.share(source, context, call));
    }

    @Override
    public Lease<Vm> adoptVm(String slot, Call call) {
        return adopted(slot, (state, context) -> hypervisor.adopt(state, context, call));
    }

    @Override
    public Lease<NetworkAttachment> adoptNetwork(String slot, Call call) {
        return adopted(slot, (state, context) -> network.adopt(state, context, call));
    }

    @Override
    public Lease<StorageAttachment> adoptStorage(String slot, Call call) {
        return adopted(slot, (state, context) -> storage.adopt(state, context, call));
    }

    @Override
    public void undo(String slot, Call call) {
        EffectLog log = site.orElseThrow().journal().effects(slot);
        for (Effect effect : log.effects().reversed()) {
            if (effect.kind().equals(FakeHost.LINK)) {
                FakeHost.undo(effect, machine, call);
            }
            shims.find(site.orElseThrow().owner())
                    .ifPresent(
                            shim -> {
                                if (effect.kind().equals(FakeContext.PROCESS)) {
                                    if (shim.processes(call).stream()
                                            .anyMatch(p -> p.role().equals(effect.name()))) {
                                        shim.signal(effect.name(), 9, call);
                                        shim.forget(effect.name(), call);
                                    }
                                } else if (!effect.kind().equals(FakeHost.LINK)) {
                                    shim.release(effect.name(), call);
                                }
                            });
            log.undone(effect.kind(), effect.name());
        }
        forgotten(slot);
    }

    @Override
    public void close() {
        leases.clear();
    }

    private <H extends Handle> Lease<H> made(
            String slot,
            DriverId driver,
            String settings,
            Call call,
            Function<FakeContext, H> maker) {
        try {
            H handle = maker.apply(context(slot, settings));
            HandleState state = handle.state();
            site.orElseThrow()
                    .journal()
                    .append(
                            new Entry.Handle(
                                    slot,
                                    driver.toString(),
                                    state.schema(),
                                    state.json(),
                                    settings));
            return lease(slot, driver, handle);
        } catch (DriverException e) {
            undo(slot, call);
            throw e;
        }
    }

    private interface Adopter<H> {
        H adopt(HandleState state, FakeContext context);
    }

    private <H extends Handle> Lease<H> adopted(String slot, Adopter<H> adopter) {
        if (refusal.isPresent()) {
            throw refusal.get();
        }
        Entry.Handle entry =
                Optional.ofNullable(site.orElseThrow().journal().record().handles().get(slot))
                        .orElseThrow(
                                () ->
                                        new DriverException(
                                                FailureKind.NOT_FOUND,
                                                "There is no handle %s.".formatted(slot)));
        DriverId driver = DriverId.parse(entry.driver());
        HandleState state = new HandleState(driver, entry.schema(), entry.state());
        return lease(slot, driver, adopter.adopt(state, context(slot, entry.settings())));
    }

    private <H extends Handle> Lease<H> lease(String slot, DriverId driver, H handle) {
        FakeLease<H> lease =
                new FakeLease<>(
                        driver,
                        slot,
                        handle,
                        call -> {
                            handle.destroy(call);
                            undo(slot, call);
                        });
        leases.put(slot, lease);
        return lease;
    }

    private void forgotten(String slot) {
        if (site.orElseThrow().journal().record().handles().containsKey(slot)) {
            site.orElseThrow().journal().append(new Entry.HandleGone(slot));
        }
        leases.remove(slot);
    }

    private FakeContext context(String slot, String settings) {
        SandboxSite here = site.orElseThrow();
        return new FakeContext(
                here.owner(),
                FakeContext.made(here.directory().resolve(slot)),
                DriverSettings.parse(settings),
                shims,
                machine,
                here.journal().effects(slot));
    }

    @Override
    public List<DriverView> list() {
        return List.of(HYPERVISOR, NETWORK, STORAGE).stream()
                .map(id -> new DriverView(id, "fake", "0.1.0", 1, "ACTIVE", true, 0, List.of()))
                .toList();
    }

    @Override
    public List<String> why(DriverId driver) {
        return List.of("All is well.");
    }

    @Override
    public List<Finding> probe(DriverId driver, Settings settings, Call call) {
        return List.of();
    }

    @Override
    public SwapReport swap(DriverId driver, Path jar, Settings settings, Call call) {
        throw DriverException.unsupported("Nothing is swapped here.");
    }
}
