// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.host.Links;
import io.hako.api.host.Mounts;
import io.hako.api.host.UnixStream;
import io.hako.api.types.Call;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.linux.Descriptors;
import io.hako.host.linux.Libc;
import io.hako.host.linux.NativeThreads;
import io.hako.host.linux.NetlinkSocket;
import io.hako.host.linux.Network;
import io.hako.host.linux.NetworkNamespaces;
import io.hako.host.shim.Shim;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/** {@link Machine} by the Linux kernel's own interfaces. */
@Component(service = Machine.class)
public final class LinuxMachine implements Machine {
    private static final String RUN_DIRECTORY = "hako.run";

    private final Path runDirectory;
    private final NativeThreads threads = new NativeThreads();
    private final NetlinkWatcher watcher = new NetlinkWatcher(this::libc);
    private final AtomicLong lastName = new AtomicLong();
    private Optional<Libc> libc = Optional.empty();

    @Activate
    public LinuxMachine(BundleContext context) {
        this(
                Path.of(
                        Optional.ofNullable(context.getProperty(RUN_DIRECTORY))
                                .orElseThrow(
                                        () ->
                                                new IllegalStateException(
                                                        "The framework property hako.run is not"
                                                                + " set."))));
    }

    /**
     * @param runDirectory writable; sockets are bound there for a moment
     */
    LinuxMachine(Path runDirectory) {
        this.runDirectory = runDirectory;
    }

    @Deactivate
    void stop() {
        watcher.close();
        threads.close();
    }

    @Override
    public UnixStream connect(Path socket, Shim shim, Call call) {
        Path name = runDirectory.resolve("client-" + lastName.incrementAndGet());
        SocketChannel channel = UnixConnector.connect(socket, name, call);
        return new SocketUnixStream(
                socket, channel, new KeptFileSender(name, shim, this::descriptors, threads));
    }

    @Override
    public Mounts mounts(Shim shim) {
        return new ShimMounts(shim);
    }

    @Override
    public ProcessFigures figures(long pid) {
        return ProcessFigures.read(Path.of("/proc"), pid);
    }

    @Override
    public void sweep(Path podDirectory, Optional<String> cgroup, Call call) {
        new PodSweeper(this::descriptors, threads).sweep(podDirectory, cgroup, call);
    }

    @Override
    public Links links(NetworkNamespace network) {
        return new NetlinkLinks(access(network));
    }

    @Override
    public NetworkEditor network(NetworkNamespace network) {
        return new NetlinkEditor(access(network));
    }

    @Override
    public NetworkWatch watch(NetworkNamespace network, Runnable changed, Call call) {
        call.checkCancelled();
        return threads.run(
                "watch the network of " + network,
                () ->
                        new NetworkNamespaces(libc())
                                .in(
                                        network,
                                        () -> watcher.add(NetlinkSocket.changes(libc()), changed)));
    }

    @Override
    public NetworkNamespace createNetwork(Shim shim, Path file, Call call) {
        NetworkNamespace network = new NetworkNamespace(file);
        if (!shim.mounts(file.getParent(), call).contains(file)) {
            threads.run(
                    "make a network namespace at " + file,
                    () -> {
                        new NetworkNamespaces(libc())
                                .create(
                                        made ->
                                                shim.mount(
                                                        "bind",
                                                        made.toString(),
                                                        file,
                                                        List.of(),
                                                        call));
                        return true;
                    });
        }
        links(network).setUp("lo", true, call);
        return network;
    }

    private NetlinkAccess access(NetworkNamespace network) {
        return new NetlinkAccess(network, () -> new Network(libc()), threads);
    }

    private Descriptors descriptors() {
        return new Descriptors(libc());
    }

    // JNA takes a tenth of a second to load, and most daemons never need it.
    private synchronized Libc libc() {
        Libc loaded = libc.orElseGet(Libc::load);
        libc = Optional.of(loaded);
        return loaded;
    }
}
