// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import io.hako.api.types.Call;
import io.hako.host.Machine;
import io.hako.host.ProcessFigures;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.Optional;

/** The real host. */
record HostRemains(Machine machine) implements Remains {
    @Override
    public boolean shimLives(Path podDirectory) {
        try (SocketChannel probe =
                SocketChannel.open(UnixDomainSocketAddress.of(podDirectory.resolve("shim.sock")))) {
            return probe.isConnected();
        } catch (IOException e) { // refused, or no such file: nobody listens
            return false;
        }
    }

    @Override
    public void sweep(Path podDirectory, Optional<String> cgroup, Call call) {
        machine.sweep(podDirectory, cgroup, call);
    }

    @Override
    public ProcessFigures figures(long pid) {
        return machine.figures(pid);
    }
}
