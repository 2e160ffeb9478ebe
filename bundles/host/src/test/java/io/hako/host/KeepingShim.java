// SPDX-License-Identifier: Apache-2.0
package io.hako.host;

import io.hako.api.driver.ProcessSpec;
import io.hako.api.types.Call;
import io.hako.api.types.NetworkNamespace;
import io.hako.host.linux.MountTable;
import io.hako.host.shim.HookRun;
import io.hako.host.shim.Shim;
import io.hako.host.shim.ShimEvent;
import io.hako.host.shim.ShimIdentity;
import io.hako.host.shim.ShimProcess;
import io.hako.host.shim.StdioId;
import io.hako.host.shim.StdioJoin;
import io.hako.host.shim.Subscription;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/** A shim that keeps files of this very process, makes bind mounts, and does nothing else. */
record KeepingShim(Map<String, Integer> files) implements Shim {
    static KeepingShim nothing() {
        return new KeepingShim(Map.of());
    }

    @Override
    public ShimIdentity identity() {
        int self = Math.toIntExact(ProcessHandle.current().pid());
        return new ShimIdentity(
                "test",
                "a",
                Path.of("/b"),
                self,
                "i",
                1,
                "0.1.0",
                Path.of("/run/pods/test@a"),
                Optional.empty());
    }

    @Override
    public Map<String, Integer> kept(Call call) {
        return files;
    }

    @Override
    public ShimProcess launch(ProcessSpec spec, Placement placement, Call call) {
        throw nothingElse();
    }

    @Override
    public List<ShimProcess> processes(Call call) {
        return List.of();
    }

    @Override
    public void signal(String role, int signal, Call call) {
        throw nothingElse();
    }

    @Override
    public void forget(String role, Call call) {
        throw nothingElse();
    }

    @Override
    public ProcessOutput output(String role, Call call) {
        throw nothingElse();
    }

    @Override
    public void release(String file, Call call) {
        throw nothingElse();
    }

    @Override
    public void mount(String type, String source, Path target, List<String> options, Call call) {
        try {
            Process mount =
                    new ProcessBuilder("mount", "--bind", source, target.toString())
                            .inheritIO()
                            .start();
            if (!type.equals("bind") || mount.waitFor() != 0) {
                throw nothingElse();
            }
        } catch (IOException | InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void unmount(Path target, boolean remove, Call call) {
        throw nothingElse();
    }

    @Override
    public List<Path> mounts(Path directory, Call call) {
        try {
            return MountTable.read().below(directory);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public LoopbackPorts forwardLoopback(NetworkNamespace network, Call call) {
        throw nothingElse();
    }

    @Override
    public void stopForwarding(Call call) {
        throw nothingElse();
    }

    @Override
    public void prepareCgroup(String path, Call call) {
        throw nothingElse();
    }

    @Override
    public void removeCgroup(String path, Call call) {
        throw nothingElse();
    }

    @Override
    public void runHook(HookRun hook, Call call) {
        throw nothingElse();
    }

    @Override
    public void joinStdio(StdioJoin join, Call call) {
        throw nothingElse();
    }

    @Override
    public void closeStdin(StdioId process, Call call) {
        throw nothingElse();
    }

    @Override
    public Drained drainStdio(StdioId process, Duration idleLimit, Call call) {
        throw nothingElse();
    }

    @Override
    public void leaveStdio(StdioId process, Call call) {
        throw nothingElse();
    }

    @Override
    public void leaveAnswers(List<ReadyAnswer> alive, List<ReadyAnswer> dead, Call call) {
        throw nothingElse();
    }

    @Override
    public Subscription subscribe(Consumer<ShimEvent> receiver) {
        return () -> {};
    }

    @Override
    public void quit(Call call) {
        throw nothingElse();
    }

    private static AssertionError nothingElse() {
        return new AssertionError("This shim keeps files and binds, and does nothing else.");
    }
}
