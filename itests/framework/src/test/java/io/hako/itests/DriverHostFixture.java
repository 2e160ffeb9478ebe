// SPDX-License-Identifier: Apache-2.0
package io.hako.itests;

import static org.junit.Assert.assertEquals;

import io.hako.api.device.BlockDisk;
import io.hako.api.device.Device;
import io.hako.api.hypervisor.BootSource;
import io.hako.api.hypervisor.Vm;
import io.hako.api.hypervisor.VmSpec;
import io.hako.api.types.Call;
import io.hako.api.types.CpuCount;
import io.hako.api.types.DeviceId;
import io.hako.api.types.DriverId;
import io.hako.api.types.DriverKind;
import io.hako.api.types.MemorySize;
import io.hako.api.types.OwnerId;
import io.hako.driverhost.DriverAdmin;
import io.hako.driverhost.DriverHost;
import io.hako.driverhost.Lease;
import io.hako.driverhost.SandboxDrivers;
import io.hako.driverhost.SandboxSite;
import io.hako.host.shim.Shims;
import io.hako.state.Entry;
import io.hako.state.SandboxJournal;
import io.hako.state.StateStore;
import io.hako.ttrpc.CallScope;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import javax.inject.Inject;
import org.junit.After;
import org.junit.Before;
import org.junit.runner.RunWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.junit.PaxExam;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;

/** Sandboxes with fake shims, on the real driver-host in a real framework. */
@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public abstract class DriverHostFixture {
    static final DriverId DRIVER = new DriverId(DriverKind.HYPERVISOR, "fake");

    @Inject protected BundleContext context;

    @Inject protected DriverHost host;

    @Inject protected DriverAdmin admin;

    @Inject protected Shims shims;

    @Inject protected StateStore states;

    private final List<AutoCloseable> open = new ArrayList<>();

    @Configuration
    public Option[] configuration() {
        return Framework.daemon();
    }

    @Before
    public final void requireNoDriver() {
        assertEquals(List.of(), admin.list());
    }

    @After
    public final void removeDrivers() throws Exception {
        try {
            for (AutoCloseable sandbox : open.reversed()) {
                sandbox.close();
            }
        } finally {
            uninstallAll();
        }
    }

    private void uninstallAll() throws Exception {
        for (Bundle bundle : context.getBundles()) {
            if ("io.hako.fake".equals(bundle.getSymbolicName())) {
                bundle.uninstall();
            }
        }
    }

    static Call call() {
        return CallScope.within(Duration.ofSeconds(30));
    }

    Path original() {
        return Path.of(context.getProperty("hako.itests.drivers"));
    }

    Path work() {
        return Path.of(context.getProperty("hako.itests.work"));
    }

    Path jar(String version) {
        return PluginJar.version(original(), work(), version);
    }

    Bundle install(String version) throws Exception {
        Bundle bundle =
                context.installBundle("itests:" + version, Files.newInputStream(jar(version)));
        bundle.start();
        return bundle;
    }

    /** A sandbox with a shim; both go after the test. */
    final class Sandbox implements AutoCloseable {
        final FakeShim shim;
        final Path pod;
        SandboxJournal journal;

        private Sandbox(String id) {
            pod = work().resolve(id);
            shim = new FakeShim(id, pod);
            OwnerId owner = shim.identity().owner();
            journal =
                    states.create(
                            owner,
                            new Entry.Sandbox(
                                    Entry.SCHEMA,
                                    "itests",
                                    id,
                                    pod.toString(),
                                    "instance",
                                    Instant.EPOCH));
            shims.add(shim);
        }

        /** As a daemon has it; another one after these were closed. */
        SandboxDrivers drivers() {
            return host.sandbox(new SandboxSite(journal, pod, ""));
        }

        /** The daemon ends; the next one reads the journal from its file. */
        void restart() {
            drivers().close();
            journal = states.open(shim.identity().owner()).orElseThrow();
        }

        @Override
        public void close() {
            drivers().close();
            shims.remove(shim);
            journal.remove();
        }
    }

    Sandbox sandbox(String id) {
        Sandbox sandbox = new Sandbox(id);
        open.add(sandbox);
        return sandbox;
    }

    Lease<Vm> machine(String id) {
        Lease<Vm> lease = sandbox(id).drivers().create("h0", DRIVER, "{}", spec(), call());
        lease.run(call(), vm -> vm.boot(call()));
        return lease;
    }

    static VmSpec spec() {
        Path any = Path.of("/bin/sh"); // a fake reads neither kernel nor initramfs
        MemorySize memory = MemorySize.ofMebibytes(64);
        return new VmSpec(
                new CpuCount(1),
                new CpuCount(1),
                memory,
                memory,
                MemorySize.ZERO,
                new BootSource(any, any, List.of()),
                List.of(),
                Optional.empty());
    }

    static Device disk() {
        return new BlockDisk(new DeviceId("disk"), Path.of("/disk"), true, "disk");
    }
}
