// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.Driver;
import io.hako.api.driver.Finding;
import io.hako.api.driver.Settings;
import io.hako.api.hypervisor.Hypervisor;
import io.hako.api.hypervisor.HypervisorProfile;
import io.hako.api.network.NetworkModel;
import io.hako.api.network.NetworkProfile;
import io.hako.api.storage.StorageDriver;
import io.hako.api.storage.StorageProfile;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.api.types.FailureKind;
import io.hako.driverhost.DriverAdmin;
import io.hako.driverhost.DriverHost;
import io.hako.driverhost.DriverView;
import io.hako.driverhost.SandboxDrivers;
import io.hako.driverhost.SandboxSite;
import io.hako.driverhost.SwapReport;
import io.hako.host.Machine;
import io.hako.host.shim.Shims;
import io.hako.observability.EventLog;
import io.hako.settings.DriverSettings;
import io.hako.settings.PodSettings;
import io.hako.settings.SettingsFile;
import io.hako.state.FrameworkPaths;
import io.hako.state.PluginStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Function;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears of drivers by Declarative Services, which calls unbind before the driver is deactivated and
 * waits for it.
 */
@Component(
        service = {DriverHost.class, DriverAdmin.class},
        immediate = true)
public final class DriverHostService implements DriverHost, DriverAdmin {
    private static final Logger LOG = LoggerFactory.getLogger(DriverHostService.class);

    /** Below the 5 s after which Felix SCR gives up a lock (ds.lock.timeout). */
    private static final Duration DRAIN = Duration.ofSeconds(4);

    private final Diagnosis diagnosis;
    private final Roster roster;
    private final LeaseTable leases;
    private final SettingsFile settings;
    private final DriverBundles bundles;
    private final Swapper swapper;

    @Activate
    public DriverHostService(
            BundleContext context,
            @Reference Machine machine,
            @Reference Shims shims,
            @Reference PluginStore store,
            @Reference SettingsFile settings,
            @Reference EventLog events,
            @Reference ServiceComponentRuntime components) {
        this.settings = settings;
        this.diagnosis = new Diagnosis(context, components);
        this.roster = new Roster(driver -> String.join(" ", diagnosis.why(driver)));
        this.leases =
                new LeaseTable(
                        new Parts(
                                roster,
                                machine,
                                shims,
                                events,
                                Path.of(FrameworkPaths.required(context, "hako.state"))));
        this.bundles = new DriverBundles(context, roster, leases);
        this.swapper = new Swapper(context, store, roster, leases, diagnosis);
    }

    @Deactivate
    public void close() {
        leases.close();
    }

    @Reference(
            cardinality = ReferenceCardinality.MULTIPLE,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY)
    public void bindHypervisor(ServiceReference<Hypervisor> reference, Hypervisor service) {
        bind(reference, service);
    }

    public void unbindHypervisor(ServiceReference<Hypervisor> reference) {
        unbind(reference);
    }

    @Reference(
            cardinality = ReferenceCardinality.MULTIPLE,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY)
    public void bindNetwork(ServiceReference<NetworkModel> reference, NetworkModel service) {
        bind(reference, service);
    }

    public void unbindNetwork(ServiceReference<NetworkModel> reference) {
        unbind(reference);
    }

    @Reference(
            cardinality = ReferenceCardinality.MULTIPLE,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY)
    public void bindStorage(ServiceReference<StorageDriver> reference, StorageDriver service) {
        bind(reference, service);
    }

    public void unbindStorage(ServiceReference<StorageDriver> reference) {
        unbind(reference);
    }

    private void bind(ServiceReference<?> reference, Driver<?> service) {
        try {
            DriverId id =
                    DriverId.parse(String.valueOf(reference.getProperty(Announcement.NAMESPACE)));
            Announcement announcement =
                    Announcement.of(reference.getBundle(), id)
                            .orElseThrow(
                                    () ->
                                            new DriverException(
                                                    FailureKind.FAILED_PRECONDITION,
                                                    "Bundle %s registers driver %s and does not announce it by a hako.driver capability."
                                                            .formatted(
                                                                    Diagnosis.named(
                                                                            reference.getBundle()),
                                                                    id)));
            settings.settings().check(id, announcement.settingsRecord(reference.getBundle()));
            BoundDriver driver = new BoundDriver(announcement, reference, service);
            driver.preload();
            diagnosis.accept(reference.getBundle());
            roster.add(driver);
            LOG.info("Driver {} is there: bundle {}", id, Diagnosis.named(reference.getBundle()));
        } catch (DriverException e) {
            LOG.error("{}", e.getMessage());
            diagnosis.refuse(reference.getBundle(), e.getMessage());
        }
    }

    private void unbind(ServiceReference<?> reference) {
        roster.remove(reference)
                .ifPresent(
                        driver -> {
                            long end = System.nanoTime() + DRAIN.toNanos();
                            if (!driver.gate().close(DRAIN)) {
                                LOG.warn(
                                        "Driver {} leaves while a call runs in it; the call goes on",
                                        driver.id());
                            }
                            leases.leave(
                                    driver, Duration.ofNanos(Math.max(0, end - System.nanoTime())));
                            LOG.info(
                                    "Driver {} has left: bundle {}",
                                    driver.id(),
                                    Diagnosis.named(driver.bundle()));
                        });
    }

    @Override
    public DriverSettings settings(DriverId driver, PodSettings pod, Call call) {
        BoundDriver by = roster.enter(driver, call);
        try {
            return pod.driver(driver, by.announcement().settingsRecord(by.bundle()));
        } finally {
            by.gate().leave();
        }
    }

    @Override
    public HypervisorProfile hypervisor(DriverId driver, Settings effective, Call call) {
        return ask(driver, Hypervisor.class, call, d -> d.profile(effective));
    }

    @Override
    public NetworkProfile network(DriverId driver, Settings effective, Call call) {
        return ask(driver, NetworkModel.class, call, d -> d.profile(effective));
    }

    @Override
    public StorageProfile storage(DriverId driver, Settings effective, Call call) {
        return ask(driver, StorageDriver.class, call, d -> d.profile(effective));
    }

    @Override
    public List<Finding> probe(DriverId driver, Settings effective, Call call) {
        return ask(
                driver,
                Driver.class,
                call,
                d -> List.<Finding>copyOf(((Driver<?>) d).probe(effective, call)));
    }

    private <D, T> T ask(
            DriverId driver, Class<D> type, Call call, Function<? super D, T> question) {
        BoundDriver by = roster.enter(driver, call);
        try {
            return by.call(type, question);
        } finally {
            by.gate().leave();
        }
    }

    @Override
    public SandboxDrivers sandbox(SandboxSite site) {
        return leases.sandbox(site);
    }

    @Override
    public List<DriverView> list() {
        return bundles.list();
    }

    @Override
    public List<String> why(DriverId driver) {
        return diagnosis.why(driver);
    }

    @Override
    public SwapReport swap(DriverId driver, Path jar, Settings effective, Call call) {
        return swapper.swap(driver, jar, effective, call);
    }
}
