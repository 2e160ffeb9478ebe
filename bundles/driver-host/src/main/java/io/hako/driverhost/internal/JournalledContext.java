// SPDX-License-Identifier: Apache-2.0
package io.hako.driverhost.internal;

import io.hako.api.driver.DriverContext;
import io.hako.api.driver.DriverEvent;
import io.hako.api.driver.NodeStore;
import io.hako.api.driver.ProcessSpec;
import io.hako.api.driver.Settings;
import io.hako.api.driver.SupervisedProcess;
import io.hako.api.host.Host;
import io.hako.api.host.Links;
import io.hako.api.host.Mounts;
import io.hako.api.host.UnixStream;
import io.hako.api.types.Call;
import io.hako.api.types.Confinement.HostUser;
import io.hako.api.types.NetworkNamespace;
import io.hako.api.types.OwnerId;
import io.hako.api.types.PassedFile;
import io.hako.host.Machine;
import io.hako.host.shim.Shim;
import io.hako.state.EffectLog;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a driver is given for one handle: every effect is journalled, then made by the shim. */
final class JournalledContext implements DriverContext, Host, Mounts {
    /**
     * A range that systemd's map of user ids leaves unused up to 2147352575 (systemd
     * docs/UIDS-GIDS.md). A shim's pid, at most 4194304 (PID_MAX_LIMIT of linux/threads.h), is one
     * pod's alone as long as the pod lives: so nothing is allocated.
     */
    private static final long FIRST_POD_USER = 1_879_048_192L;

    private static final Logger LOG = LoggerFactory.getLogger(JournalledContext.class);

    private final Path workspace;
    private final ShimLink link;
    private final Machine machine;
    private final Shim.Placement placement;
    private final EffectLog effects;
    private final Settings settings;
    private final NodeStore store;
    private final Consumer<DriverEvent> reports;

    JournalledContext(
            Path workspace,
            ShimLink link,
            Machine machine,
            Shim.Placement placement,
            EffectLog effects,
            Settings settings,
            NodeStore store,
            Consumer<DriverEvent> reports) {
        this.workspace = workspace;
        this.link = link;
        this.machine = machine;
        this.placement = placement;
        this.effects = effects;
        this.settings = settings;
        this.store = store;
        this.reports = reports;
    }

    @Override
    public OwnerId owner() {
        return link.owner();
    }

    @Override
    public Path workspace() {
        return workspace;
    }

    @Override
    public Settings settings() {
        return settings;
    }

    @Override
    public HostUser podUser() {
        long id = FIRST_POD_USER + link.now().identity().pid();
        return new HostUser(id, id);
    }

    @Override
    public Host host() {
        return this;
    }

    @Override
    public NodeStore store() {
        return store;
    }

    @Override
    public SupervisedProcess launch(ProcessSpec spec, Call call) {
        for (PassedFile file : spec.files()) {
            effects.begin(EffectKind.KEPT.word(), file.name(), "");
        }
        effects.begin(EffectKind.PROCESS.word(), spec.role(), spec.command().getFirst());
        var process = link.await(call).launch(spec, placement, call);
        effects.done(EffectKind.PROCESS.word(), spec.role());
        return new ShimBackedProcess(link, process);
    }

    @Override
    public Optional<SupervisedProcess> find(String role) {
        return ShimBackedProcess.find(link.now(), role, ShimLink.shortCall())
                .map(process -> new ShimBackedProcess(link, process));
    }

    @Override
    public void forget(String role) {
        link.now().forget(role, ShimLink.shortCall());
        effects.undone(EffectKind.PROCESS.word(), role);
    }

    @Override
    public void report(DriverEvent event) {
        LOG.info("Sandbox {}: {} {} {}", owner(), event.name(), event.sentence(), event.details());
        reports.accept(event);
    }

    @Override
    public Links links(NetworkNamespace network) {
        return new JournalledLinks(network, machine.links(network), effects);
    }

    @Override
    public Mounts mounts() {
        return this;
    }

    @Override
    public UnixStream connect(Path socket, Call call) {
        return machine.connect(socket, link.await(call), call);
    }

    @Override
    public void mount(String type, String source, Path target, List<String> options, Call call) {
        effects.begin(EffectKind.MOUNT.word(), target.toString(), "");
        machine.mounts(link.await(call)).mount(type, source, target, options, call);
        effects.done(EffectKind.MOUNT.word(), target.toString());
    }

    @Override
    public void unmount(Path target, Call call) {
        machine.mounts(link.await(call)).unmount(target, call);
        effects.undone(EffectKind.MOUNT.word(), target.toString());
    }
}
