// SPDX-License-Identifier: Apache-2.0
package io.hako.control;

import io.hako.api.driver.Finding;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.DriverId;
import io.hako.driverhost.DriverAdmin;
import io.hako.driverhost.DriverView;
import io.hako.driverhost.SwapReport;
import io.hako.host.shim.Shim;
import io.hako.host.shim.Shims;
import io.hako.host.shim.Subscription;
import io.hako.observability.Event;
import io.hako.observability.EventLog;
import io.hako.sandbox.Overhead;
import io.hako.sandbox.SandboxView;
import io.hako.sandbox.Sandboxes;
import io.hako.settings.SettingsFile;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The operator's verbs. Both doors call these, so that they cannot differ; each verb that changes
 * something is logged with who asked.
 */
@Component(service = Operations.class)
public final class Operations {
    private static final Logger LOG = LoggerFactory.getLogger(Operations.class);

    private final BundleContext context;
    private final Sandboxes sandboxes;
    private final DriverAdmin drivers;
    private final SettingsFile settings;
    private final EventLog events;
    private final AtomicInteger links = new AtomicInteger();
    private final Subscription linked;
    private final Instant started = Instant.now();

    @Activate
    public Operations(
            BundleContext context,
            @Reference Sandboxes sandboxes,
            @Reference DriverAdmin drivers,
            @Reference SettingsFile settings,
            @Reference Shims shims,
            @Reference EventLog events) {
        this.context = context;
        this.sandboxes = sandboxes;
        this.drivers = drivers;
        this.settings = settings;
        this.events = events;
        linked =
                shims.listen(
                        new Shims.Listener() {
                            @Override
                            public void appeared(Shim shim) {
                                links.incrementAndGet();
                            }

                            @Override
                            public void lost(Shim shim) {
                                links.decrementAndGet();
                            }
                        });
    }

    @Deactivate
    void close() {
        linked.close();
    }

    /** How many shims are linked with this daemon. */
    int shimLinks() {
        return links.get();
    }

    /** Where Prometheus may ask; empty: nowhere. */
    Optional<InetSocketAddress> metricsAddress() {
        return settings.settings().metrics().address();
    }

    /** Who this daemon is. */
    record DaemonVersion(String daemon, String runtimeApi, long pid, long epoch, Instant started) {}

    DaemonVersion version() {
        return new DaemonVersion(
                context.getBundle().getVersion().toString(),
                versionOf("io.hako.api"),
                ProcessHandle.current().pid(),
                Long.parseLong(property("hako.epoch")),
                started);
    }

    List<SandboxView> sandboxes() {
        return sandboxes.list();
    }

    String inspect(String sandbox) {
        return sandboxes.inspect(sandbox);
    }

    Overhead overhead(String sandbox, Call call) {
        return sandboxes.overhead(sandbox, call);
    }

    List<DriverView> plugins() {
        return drivers.list();
    }

    List<String> why(DriverId driver) {
        return drivers.why(driver);
    }

    List<Finding> doctor(Call call) {
        HostFindings host =
                new HostFindings(Path.of("/"), directory("hako.run"), directory("hako.state"));
        return new Doctor(host, drivers, settings.settings()).findings(call);
    }

    /**
     * @param jar empty: the jar that this daemon's assembly came with
     */
    SwapReport swap(String who, DriverId driver, String jar, Call call) {
        Path source = jar.isEmpty() ? assemblyJar(driver) : Path.of(jar);
        LOG.info("{} asks to swap {} for {}", who, driver, source);
        Event asked =
                Event.of(Event.Subject.DRIVER, "swap").with("driver", driver).with("user", who);
        try {
            SwapReport report =
                    drivers.swap(driver, source, settings.settings().driver(driver), call);
            events.tell(swapped(asked, report));
            return report;
        } catch (DriverException e) {
            events.tell(failed(asked, e));
            throw e;
        }
    }

    private static Event swapped(Event asked, SwapReport report) {
        return asked.took(report.took())
                .because(String.join(" ", report.reasons()))
                .with("from", report.from())
                .with("to", report.to())
                .with("moved", report.moved())
                .with("pinned", report.pinned())
                .with("failed", report.failed())
                .with("collected", report.collected());
    }

    private static Event failed(Event asked, DriverException e) {
        return Event.of(asked.subject(), "swap-failed")
                .with(asked.details())
                .because(e.getMessage());
    }

    /** A directory of the framework's, such as {@code hako.run}; the launcher always gives them. */
    Path directory(String name) {
        return Path.of(property(name));
    }

    private Path assemblyJar(DriverId driver) {
        return directory("hako.home").resolve("plugins").resolve(driver + ".jar");
    }

    private String property(String name) {
        String value = context.getProperty(name);
        if (value == null) {
            throw new IllegalStateException(
                    "The launcher gave no framework property " + name + ".");
        }
        return value;
    }

    private String versionOf(String symbolicName) {
        return java.util.Arrays.stream(context.getBundles())
                .filter(bundle -> symbolicName.equals(bundle.getSymbolicName()))
                .map(bundle -> bundle.getHeaders().get(Constants.BUNDLE_VERSION))
                .findFirst()
                .orElse("unknown");
    }
}
