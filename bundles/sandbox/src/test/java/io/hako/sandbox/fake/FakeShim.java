// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.fake;

import io.hako.api.driver.ProcessSpec;
import io.hako.api.types.Call;
import io.hako.api.types.DriverException;
import io.hako.api.types.ExitStatus;
import io.hako.api.types.FailureKind;
import io.hako.api.types.NetworkNamespace;
import io.hako.api.types.PassedFile;
import io.hako.host.shim.HookRun;
import io.hako.host.shim.Shim;
import io.hako.host.shim.ShimEvent;
import io.hako.host.shim.ShimIdentity;
import io.hako.host.shim.ShimProcess;
import io.hako.host.shim.StdioId;
import io.hako.host.shim.StdioJoin;
import io.hako.host.shim.Subscription;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;

/** A daemon's link to the shim of an outside world. */
public record FakeShim(Daemon daemon, FakeOutside outside, ShimIdentity identity) implements Shim {
    /** A shim of the sandbox "web" in the namespace "hako", as it says hello. */
    public static FakeShim of(Daemon daemon, FakeOutside outside, String instance) {
        return new FakeShim(
                daemon,
                outside,
                new ShimIdentity(
                        "hako",
                        "web",
                        outside.pod().resolveSibling("bundle"),
                        4000,
                        instance,
                        1,
                        "0.1.0",
                        outside.pod(),
                        Optional.empty()));
    }

    private FakeOutside out() {
        daemon.pass();
        if (!outside.shimLives()) {
            throw new DriverException(FailureKind.UNAVAILABLE, "The link to the shim is lost.");
        }
        return outside;
    }

    @Override
    public ShimProcess launch(ProcessSpec spec, Placement placement, Call call) {
        List<String> kept =
                spec.files().stream()
                        .filter(file -> !(file instanceof PassedFile.GuestPort))
                        .map(PassedFile::name)
                        .toList();
        return out().launch(spec.role(), kept);
    }

    @Override
    public List<ShimProcess> processes(Call call) {
        return out().processes();
    }

    @Override
    public void signal(String role, int signal, Call call) {
        if (processes(call).stream().noneMatch(process -> process.role().equals(role))) {
            throw new DriverException(
                    FailureKind.NOT_FOUND, "There is no process %s.".formatted(role));
        }
        outside.end(role, new ExitStatus.Signalled(signal));
    }

    @Override
    public void forget(String role, Call call) {
        out().forget(role);
    }

    @Override
    public ProcessOutput output(String role, Call call) {
        out();
        return new ProcessOutput(new byte[0], 0);
    }

    @Override
    public void release(String file, Call call) {
        out().held((mounts, cgroups, kept, joined) -> kept.remove(file));
    }

    @Override
    public Map<String, Integer> kept(Call call) {
        Map<String, Integer> all = new HashMap<>();
        out().held(
                        (mounts, cgroups, kept, joined) -> {
                            kept.forEach(name -> all.put(name, all.size() + 10));
                            return all;
                        });
        return all;
    }

    @Override
    public void mount(String type, String source, Path target, List<String> options, Call call) {
        out().options(target, options);
        out().held(
                        (mounts, cgroups, kept, joined) ->
                                mounts.contains(target) || mounts.add(target));
    }

    @Override
    public void unmount(Path target, boolean remove, Call call) {
        out().held((mounts, cgroups, kept, joined) -> mounts.remove(target));
    }

    @Override
    public List<Path> mounts(Path directory, Call call) {
        return out().held(
                        (mounts, cgroups, kept, joined) ->
                                mounts.stream()
                                        .filter(mount -> mount.startsWith(directory))
                                        .sorted(Comparator.comparing(Path::getNameCount).reversed())
                                        .toList());
    }

    @Override
    public LoopbackPorts forwardLoopback(NetworkNamespace network, Call call) {
        out();
        return new LoopbackPorts(40_000, OptionalInt.of(40_001));
    }

    @Override
    public void stopForwarding(Call call) {
        out();
    }

    @Override
    public void prepareCgroup(String path, Call call) {
        out().held((mounts, cgroups, kept, joined) -> cgroups.contains(path) || cgroups.add(path));
    }

    @Override
    public void removeCgroup(String path, Call call) {
        out().removeCgroup(path);
    }

    /** The real one takes what it has joined already for the same, by its name alone. */
    @Override
    public void runHook(HookRun hook, Call call) {
        out().hook(hook);
    }

    @Override
    public void joinStdio(StdioJoin join, Call call) {
        out().held(
                        (mounts, cgroups, kept, joined) -> {
                            StdioJoin there = joined.putIfAbsent(join.process(), join);
                            if (there != null && !there.equals(join)) {
                                throw new IllegalStateException(
                                        "%s was joined before, as %s: its output is lost."
                                                .formatted(join, there));
                            }
                            return true;
                        });
    }

    @Override
    public void closeStdin(StdioId process, Call call) {
        out();
    }

    @Override
    public Drained drainStdio(StdioId process, Duration idleLimit, Call call) {
        out();
        return new Drained(true, 0);
    }

    @Override
    public void leaveStdio(StdioId process, Call call) {
        out().held((mounts, cgroups, kept, joined) -> Optional.ofNullable(joined.remove(process)));
    }

    @Override
    public void leaveAnswers(List<ReadyAnswer> alive, List<ReadyAnswer> dead, Call call) {}

    @Override
    public Subscription subscribe(Consumer<ShimEvent> receiver) {
        Runnable end =
                out().subscribe(
                                event -> {
                                    if (!daemon.isCut()) {
                                        receiver.accept(event);
                                    }
                                });
        return end::run;
    }

    @Override
    public void quit(Call call) {
        daemon.pass();
        outside.quit();
    }
}
