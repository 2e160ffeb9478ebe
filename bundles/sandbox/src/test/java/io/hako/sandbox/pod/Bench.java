// SPDX-License-Identifier: Apache-2.0
package io.hako.sandbox.pod;

import static org.junit.Assert.assertTrue;

import io.hako.api.types.Call;
import io.hako.api.types.OwnerId;
import io.hako.fake.node.FakeCall;
import io.hako.host.ProcessFigures;
import io.hako.host.shim.ShimRegistry;
import io.hako.observability.EventLog;
import io.hako.sandbox.CreateTask;
import io.hako.sandbox.ExecTask;
import io.hako.sandbox.ProcessExit;
import io.hako.sandbox.ProcessId;
import io.hako.sandbox.RequestKey;
import io.hako.sandbox.StdioPaths;
import io.hako.sandbox.fake.Daemon;
import io.hako.sandbox.fake.FakeDriverHost;
import io.hako.sandbox.fake.FakeGuests;
import io.hako.sandbox.fake.FakeMachine;
import io.hako.sandbox.fake.FakeOutside;
import io.hako.sandbox.fake.FakeShim;
import io.hako.settings.HakoSettings;
import io.hako.state.Entry;
import io.hako.state.JournalObserver;
import io.hako.state.StateStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.Stream;

/** One outside world, and the daemons that come and go in it. */
final class Bench {
    static final OwnerId OWNER = new OwnerId("hako", "web");
    static final ProcessId WEB = ProcessId.first("web");
    private static final Duration PAUSE = Duration.ofMillis(10);

    private static final String CONFIG =
            """
            {"ociVersion":"1.1.0","hostname":"box","root":{"path":"rootfs"},
             "process":{"args":["sh","-c","true"],"cwd":"/"},
             "annotations":{"io.hako.name":"shop","io.hako.image":"demo"},
             "mounts":[{"destination":"/proc","type":"proc","source":"proc"}%s],
             "linux":{"cgroupsPath":"/hako/web",
               "namespaces":[{"type":"pid"},{"type":"network"},{"type":"ipc"},{"type":"uts"},{"type":"mount"}],
               "resources":{"memory":{"limit":%d}}}}
            """;

    final Path root;
    final Path bundle;
    final FakeOutside outside;
    final String instance = "c0ffee";
    private int stream = 1001;

    Bench(Path root) throws IOException {
        this.root = root;
        bundle = Files.createDirectories(root.resolve("bundle"));
        Files.createDirectories(bundle.resolve("rootfs"));
        outside = new FakeOutside(OWNER, Files.createDirectories(root.resolve("pods/hako@web")));
        memory(128L << 20);
        Files.writeString(root.resolve("vmlinux"), "");
        Files.writeString(root.resolve("initramfs"), "");
        Files.writeString(
                root.resolve("hako.toml"),
                """
                [guest]
                kernel = "%s/vmlinux"
                initramfs = "%s/initramfs"
                start_limit = "5s"
                """
                        .formatted(root, root));
    }

    void memory(long bytes) throws IOException {
        Files.writeString(bundle.resolve("config.json"), CONFIG.formatted("", bytes));
    }

    /** The container mounts a path of the host at /data. */
    void bind(Path source, String option) throws IOException {
        String mount =
                ",{\"destination\":\"/data\",\"type\":\"bind\",\"source\":\"%s\",\"options\":[\"rbind\",\"%s\"]}";
        Files.writeString(
                bundle.resolve("config.json"),
                CONFIG.formatted(mount.formatted(source, option), 128L << 20));
    }

    /** What the hako CLI writes for {@code --network}. */
    void network(String asked) throws IOException {
        Path config = bundle.resolve("config.json");
        String annotation = "\"io.hako.image\":\"demo\"";
        Files.writeString(
                config,
                Files.readString(config)
                        .replace(
                                annotation, annotation + ",\"io.hako.network\":\"" + asked + "\""));
    }

    /**
     * @param hooks the members of the spec's {@code hooks}, JSON
     */
    void hooks(String hooks) throws IOException {
        Path config = bundle.resolve("config.json");
        String hostname = "\"hostname\":\"box\"";
        Files.writeString(
                config,
                Files.readString(config)
                        .replace(hostname, hostname + ",\"hooks\":{" + hooks + "}"));
    }

    /** The caller has made a network, as CNI does. */
    void givenNetwork(Path path) throws IOException {
        Path config = bundle.resolve("config.json");
        String entry = "{\"type\":\"network\"";
        Files.writeString(
                config,
                Files.readString(config).replace(entry, entry + ",\"path\":\"" + path + "\""));
    }

    /** A daemon at work; its shim is linked. */
    Run start() {
        Run run = begin(daemon -> {});
        run.link();
        return run;
    }

    /**
     * A daemon that no shim has found yet.
     *
     * @param point passed before and after each line that it writes into the journal
     */
    Run begin(Consumer<Daemon> point) {
        return new Run(point);
    }

    Path journal() {
        return root.resolve("journal/hako@web.jsonl");
    }

    /** Nothing that hako made is left outside, nor in the pod's directory. */
    boolean isClean() {
        return outside.left().isEmpty()
                && !Files.exists(journal())
                && Stream.of("tree", "files")
                        .noneMatch(name -> Files.exists(outside.pod().resolve(name)));
    }

    static Call call() {
        return FakeCall.patient();
    }

    static void eventually(String what, BooleanSupplier condition) {
        long end = System.nanoTime() + Duration.ofSeconds(5).toNanos();
        while (!condition.getAsBoolean() && System.nanoTime() < end) {
            Thread.yield();
        }
        assertTrue(what, condition.getAsBoolean());
    }

    /** One life of the daemon. */
    final class Run {
        final Daemon daemon = new Daemon();
        final ShimRegistry shims = new ShimRegistry();
        final FakeMachine machine = new FakeMachine(daemon, outside);
        final EventLog events = new EventLog(root.resolve("events.jsonl"));
        final FakeDriverHost drivers = new FakeDriverHost(shims, machine);
        final SandboxService service;

        Run(Consumer<Daemon> point) {
            StateStore store =
                    new StateStore(
                            root.resolve("journal"),
                            new JournalObserver() {
                                @Override
                                public void writing(Entry entry) {
                                    daemon.pass();
                                    point.accept(daemon);
                                }

                                @Override
                                public void written(Entry entry) {
                                    point.accept(daemon);
                                }
                            });
            service =
                    new SandboxService(
                            new Node(
                                    store,
                                    shims,
                                    drivers,
                                    drivers,
                                    new FakeGuests(daemon, outside),
                                    machine,
                                    new World(),
                                    HakoSettings.read(root.resolve("hako.toml")),
                                    root.resolve("pods"),
                                    events,
                                    new Retries(PAUSE, Duration.ofMillis(40))));
        }

        void link() {
            link(instance);
        }

        /** Of the shim's process that calls itself so. */
        void link(String shimInstance) {
            shims.add(FakeShim.of(daemon, outside, shimInstance));
        }

        /** kill -9. */
        void kill() {
            daemon.kill();
        }

        RequestKey key() {
            return key(stream += 2);
        }

        RequestKey key(int number) {
            return new RequestKey(OWNER, instance, 1, number);
        }

        CreateTask task(String container) {
            return new CreateTask(
                    container,
                    bundle,
                    List.of(
                            new CreateTask.RootfsMount(
                                    "overlay", "overlay", List.of("lowerdir=/a"))),
                    new StdioPaths(false, "", "/f/out", "/f/err"),
                    Optional.empty());
        }

        int create(String container) {
            return service.create(key(), task(container), call());
        }

        /** A container that runs. */
        int run(String container) {
            create(container);
            return service.start(key(), ProcessId.first(container), call());
        }

        void exec(String container, String exec) {
            service.exec(
                    key(),
                    new ExecTask(
                            new ProcessId(container, exec),
                            "{\"args\":[\"true\"],\"cwd\":\"/\"}",
                            StdioPaths.NONE),
                    call());
            service.start(key(), new ProcessId(container, exec), call());
        }

        ProcessExit await(ProcessId process) {
            FakeCall call = FakeCall.patient();
            daemon.onCut(call::cancel);
            return service.await(OWNER, process, call);
        }

        CompletableFuture<ProcessExit> awaiting(ProcessId process) {
            return CompletableFuture.supplyAsync(() -> await(process));
        }

        /** What containerd does at the end of a sandbox. */
        void shutdown() {
            service.shutdown(key(), false, call()).ifPresent(Runnable::run);
        }

        private final class World implements Remains {
            @Override
            public boolean shimLives(Path podDirectory) {
                daemon.pass();
                return outside.shimLives();
            }

            @Override
            public void sweep(Path podDirectory, Optional<String> cgroup, Call call) {
                daemon.pass();
                outside.sweep();
                Sweeping.removeTree(podDirectory);
            }

            @Override
            public ProcessFigures figures(long pid) {
                return new ProcessFigures(pid, pid / 2, Duration.ofMillis(7));
            }
        }
    }
}
