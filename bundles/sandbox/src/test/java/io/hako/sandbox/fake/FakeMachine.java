// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.fake;

import io.hako.api.host.Mounts;
import io.hako.api.host.UnixStream;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.Machine;
import io.hako.host.NetworkWatch;
import io.hako.host.ProcessFigures;
import io.hako.host.shim.Shim;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A daemon's hands on the host of an outside world, as far as its network goes. */
public record FakeMachine(Daemon daemon, FakeOutside outside) implements Machine {
    @Override
    public FakeNetlink links(NetworkNamespace network) {
        return new FakeNetlink(daemon, outside.network(), network);
    }

    @Override
    public FakeNetlink network(NetworkNamespace network) {
        return links(network);
    }

    @Override
    public NetworkNamespace createNetwork(Shim shim, Path file, Call call) {
        NetworkNamespace network = new NetworkNamespace(file);
        if (!shim.mounts(file.getParent(), call).contains(file)) {
            shim.mount("bind", "/proc/self/ns/net", file, List.of(), call);
            outside.network().add(network);
        }
        return network;
    }

    @Override
    public NetworkWatch watch(NetworkNamespace network, Runnable changed, Call call) {
        daemon.pass();
        NetworkWatch watch = outside.network().watch(network, changed);
        daemon.onCut(watch::close);
        return watch;
    }

    @Override
    public UnixStream connect(Path socket, Shim shim, Call call) {
        throw elsewhere();
    }

    @Override
    public Mounts mounts(Shim shim) {
        throw elsewhere();
    }

    @Override
    public ProcessFigures figures(long pid) {
        throw elsewhere();
    }

    @Override
    public void sweep(Path podDirectory, Optional<String> cgroup, Call call) {
        throw elsewhere();
    }

    private static DriverException elsewhere() {
        return DriverException.unsupported(
                "This host has nothing but a network: the rest is asked of the shim or of what remains.");
    }
}
