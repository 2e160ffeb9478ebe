// SPDX-License-Identifier: Apache-2.0
package io.hako.fake.node;

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
import io.hako.fake.Faults;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A driver's view of a {@link FakeNode}. Each effect is a step of the faults. */
public final class FakeDriverContext implements DriverContext {
    private final FakeNode node;
    private final OwnerId owner;
    private final Path workspace;
    private final Settings settings;
    private final Faults faults;

    FakeDriverContext(
            FakeNode node, OwnerId owner, Path workspace, Settings settings, Faults faults) {
        this.node = node;
        this.owner = owner;
        this.workspace = workspace;
        this.settings = settings;
        this.faults = faults;
    }

    @Override
    public OwnerId owner() {
        return owner;
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
        return node.user(owner);
    }

    @Override
    public Host host() {
        return new FakeHost();
    }

    @Override
    public NodeStore store() {
        return node.store();
    }

    @Override
    public SupervisedProcess launch(ProcessSpec spec, Call call) {
        call.checkCancelled();
        faults.pass("launch " + spec.role());
        return node.sandbox(owner).launch(spec, node.nextPid(), node.program());
    }

    @Override
    public Optional<SupervisedProcess> find(String role) {
        return node.sandbox(owner).find(role).map(SupervisedProcess.class::cast);
    }

    @Override
    public void forget(String role) {
        faults.pass("forget " + role);
        node.sandbox(owner).forget(role);
    }

    @Override
    public void report(DriverEvent event) {
        node.reported(event);
    }

    private final class FakeHost implements Host, Mounts {
        @Override
        public Links links(NetworkNamespace network) {
            return node.network(network).seenBy(faults);
        }

        @Override
        public Mounts mounts() {
            return this;
        }

        @Override
        public UnixStream connect(Path socket, Call call) {
            call.checkCancelled();
            faults.pass("connect " + socket.getFileName());
            return FakeUnixStream.connect(
                    socket,
                    (path, files) -> {
                        node.sandbox(owner).requireKept(files);
                        node.sent(files);
                    });
        }

        @Override
        public void mount(
                String type, String source, Path target, List<String> options, Call call) {
            call.checkCancelled();
            faults.pass("mount " + target);
            node.sandbox(owner).mount(target, type + " " + source);
        }

        @Override
        public void unmount(Path target, Call call) {
            call.checkCancelled();
            faults.pass("unmount " + target);
            node.sandbox(owner).unmount(target);
        }
    }
}
