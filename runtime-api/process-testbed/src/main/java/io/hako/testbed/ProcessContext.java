// SPDX-License-Identifier: Apache-2.0
package io.hako.testbed;

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

/**
 * A driver's view of the testbed: processes, sockets and mounts are real, the rest is the fake
 * node's.
 */
final class ProcessContext implements DriverContext, Host, Mounts {
    private final DriverContext fake;
    private final RealSandbox sandbox;
    private final Faults faults;

    ProcessContext(DriverContext fake, RealSandbox sandbox, Faults faults) {
        this.fake = fake;
        this.sandbox = sandbox;
        this.faults = faults;
    }

    @Override
    public OwnerId owner() {
        return fake.owner();
    }

    @Override
    public Path workspace() {
        return fake.workspace();
    }

    @Override
    public Settings settings() {
        return fake.settings();
    }

    @Override
    public HostUser podUser() {
        return fake.podUser();
    }

    @Override
    public Host host() {
        return this;
    }

    @Override
    public NodeStore store() {
        return fake.store();
    }

    @Override
    public SupervisedProcess launch(ProcessSpec spec, Call call) {
        call.checkCancelled();
        faults.pass("launch " + spec.role());
        return sandbox.launch(spec);
    }

    @Override
    public Optional<SupervisedProcess> find(String role) {
        return sandbox.find(role).map(SupervisedProcess.class::cast);
    }

    @Override
    public void forget(String role) {
        faults.pass("forget " + role);
        sandbox.forget(role);
    }

    @Override
    public void report(DriverEvent event) {
        fake.report(event);
    }

    @Override
    public Links links(NetworkNamespace network) {
        return fake.host().links(network);
    }

    @Override
    public Mounts mounts() {
        return this;
    }

    @Override
    public UnixStream connect(Path socket, Call call) {
        call.checkCancelled();
        faults.pass("connect " + socket.getFileName());
        return sandbox.connect(socket);
    }

    @Override
    public void mount(String type, String source, Path target, List<String> options, Call call) {
        call.checkCancelled();
        faults.pass("mount " + target);
        sandbox.mount(type, source, target, options);
    }

    @Override
    public void unmount(Path target, Call call) {
        call.checkCancelled();
        faults.pass("unmount " + target);
        sandbox.unmount(target);
    }
}
